/*
 * test_stream: an operation of the test programs (Makefile, TEST_OPERATION), with the requested stream:
 *
 * 	bytes   `bytes` of them as fast as possible, each 8 bytes are their index, modulo PATTERN_WORDS
 * 	lines   "line N\n" every `interval_ms`
 * 	echo    returns the data of the caller; `protocol`: over an upgraded connection
 * 	hang    starts, and sends nothing
 * 	refuse  does not start
 *
 * With `delay_ms` it starts after that time; with `fail_at` it fails after this many bytes.
 */
#include "kube-worker/operation/op.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/streams/worker_stream.h"

#define PATTERN_WORDS 131072u
#define BLOCK (32u * 1024)
#define BLOCKS_AT_ONCE 4

struct test_source {
	struct stream_source base; /* first member: the source */
	int64_t (*pump)(struct test_source *t, struct worker_stream *stream);
	const char *protocol;
	uint64_t bytes;
	uint64_t fail_at;
	int64_t interval_ms;
	int64_t next_ms;
	uint64_t sent;
	uint64_t lines;
	bool begun;
	bool finished;
};

static void send_block(struct test_source *t, struct worker_stream *stream, const char *data, size_t len)
{
	worker_stream_send(stream, data, len);
	t->sent += len;
}

static void finish(struct test_source *t, struct worker_stream *stream)
{
	if (!t->finished)
		worker_stream_finish(stream);
	t->finished = true;
}

static size_t fill(struct test_source *t, char *block, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t at = t->sent + i;
		uint64_t word = at / 8 % PATTERN_WORDS;

		block[i] = (char)(word >> (8 * (7 - at % 8)));
	}
	return len;
}

static int64_t pump_bytes(struct test_source *t, struct worker_stream *stream)
{
	char block[BLOCK];

	for (int i = 0; i < BLOCKS_AT_ONCE && t->sent < t->bytes; i++) {
		size_t room = worker_stream_room(stream);
		uint64_t left = (t->fail_at < t->bytes ? t->fail_at : t->bytes) - t->sent;
		size_t len = room < left ? room : (size_t)left;

		if (len == 0)
			return room == 0 ? INT64_MAX : clock_mono_ms(); /* or it is to fail */
		send_block(t, stream, block, fill(t, block, len));
	}
	if (t->sent == t->bytes)
		finish(t, stream);
	return t->finished ? INT64_MAX : clock_mono_ms();
}

static int64_t pump_lines(struct test_source *t, struct worker_stream *stream)
{
	char line[32];

	if (clock_mono_ms() >= t->next_ms) {
		int len = snprintf(line, sizeof(line), "line %llu\n", (unsigned long long)t->lines);

		if (worker_stream_room(stream) < (size_t)len)
			return INT64_MAX;
		send_block(t, stream, line, (size_t)len);
		t->lines++;
		t->next_ms = clock_mono_ms() + t->interval_ms;
	}
	return t->next_ms;
}

static int64_t pump_echo(struct test_source *t, struct worker_stream *stream)
{
	char block[BLOCK];

	for (int i = 0; i < BLOCKS_AT_ONCE; i++) {
		size_t room = worker_stream_room(stream);
		size_t len = worker_stream_take(stream, block, room < sizeof(block) ? room : sizeof(block));

		if (len == 0)
			break;
		send_block(t, stream, block, len);
	}
	if (worker_stream_is_drained(stream))
		finish(t, stream);
	return INT64_MAX;
}

static int64_t pump_hang(struct test_source *t unused, struct worker_stream *stream unused)
{
	return INT64_MAX;
}

static const struct mode {
	const char *name;
	int64_t (*pump)(struct test_source *t, struct worker_stream *stream);
} modes[] = {
	{ "bytes", pump_bytes },
	{ "lines", pump_lines },
	{ "echo", pump_echo },
	{ "hang", pump_hang },
};

static int64_t pump(struct stream_source *source, struct worker_stream *stream)
{
	struct test_source *t = (struct test_source *)source;
	struct error err;

	if (!t->begun && clock_mono_ms() < t->next_ms)
		return t->next_ms;
	if (!t->begun &&
	    worker_stream_begin(stream, t->protocol ? NULL : "application/octet-stream", t->protocol, &err))
		return INT64_MAX;
	t->begun = true;
	if (t->sent >= t->fail_at) {
		error_set(&err, RC_UNAVAILABLE, "told to fail");
		worker_stream_fail(stream, &err);
		return INT64_MAX;
	}
	return t->pump(t, stream);
}

static void free_source(struct stream_source *source)
{
	free(source);
}

static const struct stream_source_type type = { pump, free_source };

static enum rc open_source(const struct op_env *env unused, const cJSON *request, struct stream_source **ret_source,
			   struct error *err)
{
	const char *name = json_string_at(request, "mode");
	struct test_source *t;
	size_t i = 0;

	while (i < ARRAY_LEN(modes) && strcmp(modes[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(modes))
		return error_set(err, RC_NOT_FOUND, "told to refuse");
	t = calloc(1, sizeof(*t));
	if (!t)
		return error_no_memory(err);
	t->base.type = &type;
	t->pump = modes[i].pump;
	t->protocol = json_string_at(request, "protocol");
	t->bytes = (uint64_t)json_int_at(request, "bytes", 0);
	t->fail_at = (uint64_t)json_int_at(request, "fail_at", INT64_MAX);
	t->interval_ms = json_int_at(request, "interval_ms", 1000);
	t->next_ms = clock_mono_ms() + json_int_at(request, "delay_ms", 0);
	*ret_source = &t->base;
	return RC_OK;
}

static const struct request_member members[] = {
	{ .name = "mode", .required = true, .type = request_member_is_text, .form = "a mode" },
};

const struct op op_test_stream = { .members = members, .member_count = ARRAY_LEN(members), .open = open_source };
