#include "kube-worker/streams/log_reader.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/strutil.h"

/*
 * Lines of stdout and stderr are stamped before they are written, so they may be out of order by this much.
 */
#define SKEW_NS 10000000

#define NS_PER_MS 1000000

bool log_time_parse(const char *text, size_t len, int64_t *ret_ns)
{
	char copy[40];
	const char *decimals;
	int64_t ms;
	int64_t rest = 0;
	int64_t weight = NS_PER_MS / 10;

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!clock_parse_rfc3339(copy, &ms))
		return false;
	if (ms <= 0 || ms >= INT64_MAX / NS_PER_MS) {
		*ret_ns = ms <= 0 ? 1 : INT64_MAX;
		return true;
	}
	decimals = strchr(copy, '.');
	for (size_t i = 1; decimals && decimals[i] >= '0' && decimals[i] <= '9'; i++) {
		if (i <= 3)
			continue;
		rest += (decimals[i] - '0') * weight;
		weight /= 10;
	}
	*ret_ns = ms * NS_PER_MS + rest;
	return true;
}

static uint32_t fold(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

struct log_reader log_reader_make(struct log_place last, int64_t since_ns)
{
	return (struct log_reader){
		.held = buf_make(2u * LOG_LINE_MAX),
		.last = last,
		.mark = last,
		.newest_ns = last.ns,
		.since_ns = since_ns,
	};
}

void log_reader_clear(struct log_reader *reader)
{
	buf_clear(&reader->held);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

struct feeding {
	struct log_reader *reader;
	void (*tell)(void *ctx, const struct log_line *line);
	void *ctx;
	uint64_t hash; /* of the text so far */
};

/* Lines between from_ns and the current line. */
static void tell_loss(struct feeding *f, int64_t from_ns)
{
	const struct log_reader *r = f->reader;

	f->tell(f->ctx,
		&(struct log_line){ .time = r->time, .time_len = r->time_len, .lost_from_ns = from_ns, .text = "" });
}

/* Returns the beginning of its text. */
static const char *begin_line(struct feeding *f, const char *data, size_t len)
{
	struct log_reader *r = f->reader;
	const char *space = memchr(data, ' ', len < sizeof(r->time) ? len : sizeof(r->time));
	size_t time_len = space ? (size_t)(space - data) : 0;

	r->in_line = true;
	r->told = 0;
	r->line.ns = r->last.ns;
	r->time_len = 0;
	if (space && log_time_parse(data, time_len, &r->line.ns)) {
		memcpy(r->time, data, time_len);
		r->time_len = time_len;
		data = space + 1;
	}
	r->passes = r->line.ns < r->since_ns;
	if (r->mark.ns && r->line.ns - SKEW_NS <= r->newest_ns) {
		r->passes = true;
	} else if (r->mark.ns) {
		tell_loss(f, r->mark.ns);
		r->mark.ns = 0;
	} else if (r->lost_from_ns && !r->passes) {
		tell_loss(f, r->lost_from_ns);
		r->lost_from_ns = 0;
	} else if (r->broken) {
		r->skip = r->line.ns == r->broken_ns ? r->broken : 0;
		r->broken = 0;
	}
	return data;
}

static void end_line(struct log_reader *r, uint32_t hash)
{
	r->in_line = false;
	r->skip = 0;
	r->line.hash = hash;
	if (r->mark.ns == r->line.ns && r->mark.hash == hash)
		r->mark.ns = 0;
	if (r->passes)
		return;
	r->last = r->line;
	r->newest_ns = r->fresh || r->line.ns > r->newest_ns ? r->line.ns : r->newest_ns;
	r->fresh = false;
}

/* A line, or a piece of it, after the time. */
static void take_piece(struct feeding *f, const char *data, size_t len, bool ends)
{
	struct log_reader *r = f->reader;
	bool begins = !r->in_line;
	const char *text = begins ? begin_line(f, data, len) : data;
	struct log_line line = {
		.time = r->time, .time_len = r->time_len, .text = text, .begins = begins, .ends = ends
	};

	line.len = len - (size_t)(text - data);
	f->hash = hash_bytes(begins ? HASH_INIT : f->hash, text, line.len);
	if (r->skip) {
		size_t skipped = r->skip < line.len ? r->skip : line.len;

		r->skip -= skipped;
		r->told += skipped;
		line.text += skipped;
		line.len -= skipped;
		line.begins = false;
		if (line.len == 0 && !ends)
			return;
	}
	line.place = (struct log_place){ r->line.ns, fold(f->hash) };
	if (!r->passes)
		f->tell(f->ctx, &line);
	r->told += line.len;
	if (ends)
		end_line(r, line.place.hash);
	else
		r->line.hash = 0;
}

/* The first `len` bytes of a line, or its continuation, in `held`. */
static void take_held(struct feeding *f, size_t len, bool ends)
{
	struct buf *held = &f->reader->held;

	take_piece(f, held->data, len, ends);
	buf_consume(held, len);
	if (!held->len && held->capacity > LOG_LINE_MAX / 4)
		buf_clear(held);
}

enum rc log_reader_feed(struct log_reader *r, const char *bytes, size_t len,
			void (*tell)(void *ctx, const struct log_line *line), void *ctx, struct error *err)
{
	struct feeding f = { r, tell, ctx, r->running_hash };

	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t count = end ? (size_t)(end - bytes) : len;

		if (end && !r->held.len) {
			take_piece(&f, bytes, count, true);
		} else {
			buf_add(&r->held, bytes, count);
			if (buf_check(&r->held, err))
				return r->held.failed;
			if (end)
				take_held(&f, r->held.len, true);
			else if (r->held.len >= LOG_LINE_MAX)
				take_held(&f, utf8_whole_length(r->held.data, r->held.len), false);
		}
		count += end != NULL;
		bytes += count;
		len -= count;
	}
	r->running_hash = f.hash;
	return RC_OK;
}

void log_reader_end(struct log_reader *r, void (*tell)(void *ctx, const struct log_line *line), void *ctx)
{
	struct feeding f = { r, tell, ctx, r->running_hash };

	if (!r->held.len)
		return;
	take_held(&f, r->held.len, false);
	end_line(r, fold(f.hash));
}

void log_reader_restart(struct log_reader *r)
{
	buf_clear(&r->held);
	r->mark = r->fresh ? (struct log_place){ 0, 0 } : r->last;
	if (r->in_line && !r->passes && r->told) {
		r->broken = r->told;
		r->broken_ns = r->line.ns;
	}
	r->skip = 0;
	r->in_line = false;
}

void log_reader_next_run(struct log_reader *r, int64_t lost_from_ns)
{
	buf_clear(&r->held);
	r->mark.ns = 0;
	r->fresh = true;
	if (!r->lost_from_ns)
		r->lost_from_ns = lost_from_ns;
	r->broken = 0;
	r->skip = 0;
	r->in_line = false;
}
