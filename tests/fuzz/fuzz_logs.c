/*
 * The log of a container from Kubernetes: the output does not depend on how it is split; after a reconnect nothing is
 * repeated. The first byte selects how, the rest is the log; it is also parsed as an event id.
 */
#include <string.h>

#include "kube-worker/streams/log_output.h"
#include "tests/fuzz/fuzz.h"

#define TOLD_MAX (8u * 1024 * 1024)

static void tell(void *ctx, const struct log_line *line)
{
	struct buf *told = ctx;

	FUZZ_CHECK(line->len <= 2u * LOG_LINE_MAX);
	FUZZ_CHECK(!line->lost_from_ns || line->len == 0);
	buf_add(told, line->text, line->len);
	if (line->ends)
		buf_add_char(told, '\n');
}

static void read_in_steps(const char *bytes, size_t len, size_t step, struct buf *told)
{
	struct log_reader reader = log_reader_make((struct log_place){ 0, 0 }, 0);

	for (size_t at = 0; at < len; at += step)
		FUZZ_CHECK(!log_reader_feed(&reader, bytes + at, len - at < step ? len - at : step, tell, told, NULL));
	log_reader_end(&reader, tell, told);
	log_reader_clear(&reader);
}

/* After a disconnect, at most the existing lines are sent. */
static void read_again(const char *bytes, size_t len, size_t cut)
{
	struct log_reader reader = log_reader_make((struct log_place){ 0, 0 }, 0);
	struct buf told = buf_make(TOLD_MAX);

	FUZZ_CHECK(!log_reader_feed(&reader, bytes, cut, tell, &told, NULL));
	log_reader_restart(&reader);
	FUZZ_CHECK(!log_reader_feed(&reader, bytes, len, tell, &told, NULL));
	log_reader_next_run(&reader, 0);
	FUZZ_CHECK(!log_reader_feed(&reader, bytes, len, tell, &told, NULL));
	log_reader_clear(&reader);
	buf_clear(&told);
}

static void read_id(const char *bytes, size_t len)
{
	cleanup_free char *text = strndup(bytes, len);
	struct log_mark marks[LOG_PLACES_MAX];
	int count = log_marks_read(text, marks);

	FUZZ_CHECK(count == -1 || (count > 0 && count <= LOG_PLACES_MAX));
	for (int i = 0; i < count; i++)
		FUZZ_CHECK(marks[i].place.ns > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct buf whole = buf_make(TOLD_MAX);
	struct buf cut = buf_make(TOLD_MAX);

	if (size < 2)
		return 0;
	read_in_steps(bytes, size - 1, size, &whole);
	read_in_steps(bytes, size - 1, data[0] % 16u + 1, &cut);
	FUZZ_CHECK(whole.len == cut.len && memcmp(whole.data, cut.data, whole.len) == 0);
	read_again(bytes, size - 1, data[0] % size < size - 1 ? data[0] % size : size - 1);
	read_id(bytes, size - 1);
	buf_clear(&whole);
	buf_clear(&cut);
	return 0;
}
