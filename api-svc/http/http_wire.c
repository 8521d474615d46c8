#include "api-svc/http/http_wire.h"

#include <string.h>

#include "common/base/strutil.h"

#define CRLF "\r\n"
#define LAST_CHUNK "0" CRLF CRLF
#define HELD_MAX (64u * 1024) /* above the limits of all parts */
#define OUT_MAX (256u * 1024)

struct http_wire http_wire_make(size_t max_body)
{
	return (struct http_wire){
		.max_body = max_body,
		.held = buf_make(HELD_MAX),
		.out = buf_make(OUT_MAX),
	};
}

void http_wire_clear(struct http_wire *w)
{
	buf_clear(&w->held);
	buf_clear(&w->out);
}

bool http_wire_is_within_request(const struct http_wire *w)
{
	return w->state != HTTP_WIRE_BETWEEN && w->state < HTTP_WIRE_REFUSED;
}

bool http_wire_is_refused(const struct http_wire *w)
{
	return w->state == HTTP_WIRE_REFUSED;
}

const struct http_fault *http_wire_fault(const struct http_wire *w, uint64_t number)
{
	return number == w->number && w->framing.fault.status ? &w->framing.fault : NULL;
}

/* ---- the end of a request ---- */

#define REFUSED_HEADERS "Host:" CRLF CRLF /* of a rejected head: its request line must leave room for them */

/* Only the request line of its head is passed on, if valid. */
static void end_head(struct http_wire *w)
{
	if (w->first_line > 0)
		buf_add(&w->out, w->held.data, w->first_line);
	else
		buf_add_str(&w->out, "GET / HTTP/1.1" CRLF);
	buf_add_str(&w->out, REFUSED_HEADERS);
}

void http_wire_refuse(struct http_wire *w, unsigned status, const char *sentence)
{
	if (!http_wire_is_within_request(w))
		return;
	if (!w->framing.fault.status)
		w->framing.fault = (struct http_fault){ .status = status, .sentence = sentence };
	switch (w->state) {
	case HTTP_WIRE_HEAD:
		end_head(w);
		break;
	case HTTP_WIRE_BODY:
		w->padding = w->left;
		break;
	case HTTP_WIRE_CHUNK_DATA:
		w->padding = w->left;
		w->ending = CRLF LAST_CHUNK;
		break;
	case HTTP_WIRE_CHUNK_END:
		w->ending = CRLF LAST_CHUNK;
		break;
	case HTTP_WIRE_CHUNK_LINE:
	case HTTP_WIRE_TRAILERS:
		w->ending = LAST_CHUNK;
		break;
	case HTTP_WIRE_BETWEEN:
	case HTTP_WIRE_REFUSED:
	case HTTP_WIRE_KEPT:
	case HTTP_WIRE_PASSING:
	case HTTP_WIRE_STATE_COUNT:
		break;
	}
	buf_clear(&w->held);
	w->state = HTTP_WIRE_REFUSED;
}

static void end_request(struct http_wire *w)
{
	buf_clear(&w->held);
	w->state = HTTP_WIRE_BETWEEN;
	w->empty_lines = 0;
}

static void begin_line(struct http_wire *w, enum http_wire_state state)
{
	buf_reset(&w->held);
	w->line_at = 0;
	w->cost = 0;
	w->state = state;
}

/* ---- lines ---- */

/* A line in `held`, without its CRLF. */
struct line {
	char *text;
	size_t len;
	bool complete;
};

/* Of the bytes in `held`, with the cost of the head. */
struct limit {
	size_t max;
	struct http_fault fault;
};

static const struct limit target_limit = { HTTP_WIRE_HEAD_MAX, { 414, "the request target is too long" } };
static const struct limit headers_limit = { HTTP_WIRE_HEAD_MAX, { 431, "the headers are too large" } };
static const struct limit chunk_line_limit = { HTTP_WIRE_CHUNK_LINE_MAX, { 400, "the header of a chunk is too long" } };
static const struct limit trailers_limit = { HTTP_WIRE_HEAD_MAX, { 431, "the trailers are too large" } };

/*
 * Hold the bytes up to the end of the line; returns the number. A line without CR is malformed, because other
 * implementations may not treat it as an end. The limit comes first: the incomplete line may have exceeded it already.
 */
static size_t hold_line(struct http_wire *w, const char *bytes, size_t len, const struct limit *limit,
			struct line *ret_line)
{
	const char *lf = memchr(bytes, '\n', len);
	size_t used = lf ? (size_t)(lf - bytes) + 1 : len;

	buf_add(&w->held, bytes, used);
	*ret_line = (struct line){ .text = w->held.data + w->line_at };
	if (w->held.failed) {
		w->first_line = 0;
		http_wire_refuse(w, 500, "out of memory");
		return used;
	}
	if (w->held.len + w->cost > limit->max) {
		http_wire_refuse(w, limit->fault.status, limit->fault.sentence);
		return used;
	}
	if (!lf)
		return used;
	ret_line->len = w->held.len - w->line_at - 1;
	if (ret_line->len > 0 && ret_line->text[ret_line->len - 1] == '\r') {
		ret_line->len--;
		ret_line->complete = true;
	} else {
		http_wire_refuse(w, 400, "a line ends without CR");
	}
	return used;
}

/* ---- the head ---- */

static void end_of_head(struct http_wire *w)
{
	http_framing_end(&w->framing);
	if (w->framing.fault.status) {
		http_wire_refuse(w, 0, NULL);
		return;
	}
	buf_add(&w->out, w->held.data, w->held.len);
	w->left = (uint64_t)w->framing.content_length;
	w->body = 0;
	if (w->framing.chunked)
		begin_line(w, HTTP_WIRE_CHUNK_LINE);
	else if (w->left > 0)
		w->state = HTTP_WIRE_BODY;
	else if (w->framing.upgrade && !w->framing.is_1_0) /* RFC 9110 section 7.8 */
		begin_line(w, HTTP_WIRE_KEPT);
	else
		end_request(w);
}

/* Cookies are dropped: they are not used, and the library would copy and parse them. */
static void keep_header_line(struct http_wire *w, const struct line *line)
{
	if (http_framing_is_named(line->text, line->len, "Cookie")) {
		w->cost += w->held.len - w->line_at;
		buf_truncate(&w->held, w->line_at);
		return;
	}
	buf_truncate(&w->held, w->line_at + http_framing_tidy_line(line->text, line->len));
	buf_add_str(&w->held, CRLF);
	w->cost += HTTP_WIRE_HEADER_COST;
}

/* The library parses the parameters of the target, and allocates memory for each. */
static void keep_request_line(struct http_wire *w, const struct line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (line->text[i] == '&' || line->text[i] == '?')
			w->cost += HTTP_WIRE_HEADER_COST;
	if (w->held.len + w->cost + strlen(REFUSED_HEADERS) + HTTP_WIRE_HEADER_COST > HTTP_WIRE_HEAD_MAX)
		http_wire_refuse(w, target_limit.fault.status, target_limit.fault.sentence);
	else
		w->first_line = w->held.len;
}

/* A few are allowed before a request (RFC 9112 section 2.2). */
static void take_empty_line(struct http_wire *w)
{
	if (w->first_line > 0) {
		end_of_head(w);
	} else if (w->empty_lines++ < HTTP_WIRE_EMPTY_LINES_MAX) {
		w->number--;
		buf_clear(&w->held);
		w->state = HTTP_WIRE_BETWEEN;
	} else {
		http_wire_refuse(w, 400, "the request line is empty");
	}
}

static void take_head_line(struct http_wire *w, const struct line *line)
{
	bool is_first = w->first_line == 0;

	if (is_first)
		http_framing_add_request_line(&w->framing, line->text, line->len);
	else
		http_framing_add_header_line(&w->framing, line->text, line->len);
	if (w->framing.fault.status) {
		http_wire_refuse(w, 0, NULL);
		return;
	}
	if (is_first)
		keep_request_line(w, line);
	else
		keep_header_line(w, line);
	w->line_at = w->held.len;
}

static size_t read_head(struct http_wire *w, const char *bytes, size_t len)
{
	struct line line;
	size_t used = hold_line(w, bytes, len, w->first_line > 0 ? &headers_limit : &target_limit, &line);

	if (line.complete && line.len == 0)
		take_empty_line(w);
	else if (line.complete)
		take_head_line(w, &line);
	return used;
}

/* Invalid first bytes are rejected without waiting for the end of the line. */
static size_t read_between(struct http_wire *w, const char *bytes, size_t len unused)
{
	unsigned char first = (unsigned char)bytes[0];

	w->number++;
	w->framing = (struct http_framing){ .is_1_0 = false };
	w->first_line = 0;
	begin_line(w, HTTP_WIRE_HEAD);
	if (first != '\r' && first != '\n' && (first <= ' ' || first >= 0x7F))
		http_wire_refuse(w, 400, "the request line is malformed");
	return 0;
}

/* ---- bodies ---- */

static size_t pass_on(struct http_wire *w, const char *bytes, size_t len)
{
	size_t used = len < w->left ? len : (size_t)w->left;

	buf_add(&w->out, bytes, used);
	w->left -= used;
	return used;
}

static size_t read_body(struct http_wire *w, const char *bytes, size_t len)
{
	size_t used = pass_on(w, bytes, len);

	if (w->left == 0)
		end_request(w);
	return used;
}

static void begin_chunk(struct http_wire *w, uint64_t size)
{
	if (size > w->max_body - w->body) {
		http_wire_refuse(w, 413, NULL);
		return;
	}
	if (size == 0) {
		begin_line(w, HTTP_WIRE_TRAILERS);
		return;
	}
	buf_addf(&w->out, "%llx" CRLF, (unsigned long long)size);
	w->body += size;
	w->left = size;
	w->state = HTTP_WIRE_CHUNK_DATA;
}

static size_t read_chunk_line(struct http_wire *w, const char *bytes, size_t len)
{
	struct line line;
	size_t used = hold_line(w, bytes, len, &chunk_line_limit, &line);
	uint64_t size;

	if (line.complete && http_framing_read_chunk_line(line.text, line.len, &size))
		begin_chunk(w, size);
	else if (line.complete)
		http_wire_refuse(w, 400, "the header of a chunk is malformed");
	return used;
}

static size_t read_chunk_data(struct http_wire *w, const char *bytes, size_t len)
{
	size_t used = pass_on(w, bytes, len);

	if (w->left == 0)
		begin_line(w, HTTP_WIRE_CHUNK_END);
	return used;
}

static size_t read_chunk_end(struct http_wire *w, const char *bytes, size_t len unused)
{
	if (bytes[0] != CRLF[w->held.len]) {
		http_wire_refuse(w, 400, "a chunk is not terminated by CRLF");
		return 1;
	}
	buf_add(&w->held, bytes, 1);
	if (w->held.len == strlen(CRLF)) {
		buf_add_str(&w->out, CRLF);
		begin_line(w, HTTP_WIRE_CHUNK_LINE);
	}
	return 1;
}

static size_t read_trailers(struct http_wire *w, const char *bytes, size_t len)
{
	struct line line;
	size_t used = hold_line(w, bytes, len, &trailers_limit, &line);

	if (line.complete && line.len == 0) {
		buf_add_str(&w->out, LAST_CHUNK);
		end_request(w);
	} else if (line.complete) {
		http_framing_add_trailer_line(&w->framing, line.text, line.len);
		w->line_at = w->held.len;
		if (w->framing.fault.status)
			http_wire_refuse(w, 0, NULL);
	}
	return used;
}

/* ---- another protocol ---- */

bool http_wire_is_kept(const struct http_wire *w)
{
	return w->state == HTTP_WIRE_KEPT;
}

static size_t keep(struct http_wire *w, const char *bytes, size_t len)
{
	buf_add(&w->held, bytes, len);
	if (w->held.failed)
		w->state = HTTP_WIRE_REFUSED; /* closed after the response */
	return len;
}

void http_wire_go_on(struct http_wire *w)
{
	struct buf kept = w->held;

	if (w->state != HTTP_WIRE_KEPT)
		return;
	w->held = buf_make(HELD_MAX);
	end_request(w);
	http_wire_add(w, kept.data, kept.len);
	buf_clear(&kept);
}

void http_wire_pass(struct http_wire *w)
{
	if (w->state != HTTP_WIRE_KEPT)
		return;
	buf_add(&w->out, w->held.data, w->held.len);
	buf_clear(&w->held);
	w->state = HTTP_WIRE_PASSING;
}

bool http_wire_is_passing(const struct http_wire *w)
{
	return w->state == HTTP_WIRE_PASSING;
}

/* ---- in and out ---- */

static size_t read_nothing(struct http_wire *w unused, const char *bytes unused, size_t len)
{
	return len;
}

static size_t (*const readers[HTTP_WIRE_STATE_COUNT])(struct http_wire *w, const char *bytes, size_t len) = {
	[HTTP_WIRE_BETWEEN] = read_between,
	[HTTP_WIRE_HEAD] = read_head,
	[HTTP_WIRE_BODY] = read_body,
	[HTTP_WIRE_CHUNK_LINE] = read_chunk_line,
	[HTTP_WIRE_CHUNK_DATA] = read_chunk_data,
	[HTTP_WIRE_CHUNK_END] = read_chunk_end,
	[HTTP_WIRE_TRAILERS] = read_trailers,
	[HTTP_WIRE_REFUSED] = read_nothing,
	[HTTP_WIRE_KEPT] = keep,
	[HTTP_WIRE_PASSING] = read_nothing,
};

void http_wire_add(struct http_wire *w, const char *bytes, size_t len)
{
	while (len > 0) {
		size_t used = readers[w->state](w, bytes, len);

		bytes += used;
		len -= used;
	}
}

size_t http_wire_take(struct http_wire *w, char *to, size_t max)
{
	size_t got = w->out.len < max ? w->out.len : max;
	size_t padded;
	size_t ended;

	memcpy(to, w->out.data, got);
	buf_consume(&w->out, got);
	if (w->out.len > 0)
		return got;
	if (w->state == HTTP_WIRE_BETWEEN || w->state == HTTP_WIRE_PASSING)
		buf_clear(&w->out);
	padded = max - got < w->padding ? max - got : (size_t)w->padding;
	memset(to + got, ' ', padded);
	got += padded;
	w->padding -= padded;
	if (w->padding > 0 || !w->ending)
		return got;
	ended = strlen(w->ending) < max - got ? strlen(w->ending) : max - got;
	memcpy(to + got, w->ending, ended);
	w->ending += ended;
	return got + ended;
}
