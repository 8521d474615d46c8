#include "api-svc/http/http_library.h"

#include <string.h>
#include <sys/socket.h>

#define ANSWER_ON_SOCKET_MAX (16u * 1024) /* bytes of a refusal that the library is not asked to write */

static const char planted_header[] = "Cookie";

void http_library_plant_header(struct MHD_Connection *connection)
{
	/* Without memory for it the request ends with its first header. */
	(void)MHD_set_connection_value(connection, MHD_HEADER_KIND, planted_header, "");
}

bool http_library_has_planted(const char *name)
{
	return name == planted_header;
}

#if MHD_VERSION >= 0x01000000

void http_library_arrival_begins(struct http_exchange *ex unused)
{
}

void http_library_arrival_ends(struct http_exchange *ex unused)
{
}

void http_library_on_own_answer(unsigned status unused)
{
}

bool http_library_is_whole_line(const struct http_exchange *ex unused, const char *version unused)
{
	return true;
}

const char *http_library_block_begin(const char *version unused)
{
	return NULL;
}

const char *http_library_block_end(struct MHD_Connection *connection unused, const char *method unused)
{
	return NULL;
}

bool http_library_is_whole_chunk(const struct http_exchange *ex unused, const char *bytes unused)
{
	return true;
}

#else

bool http_library_is_whole_line(const struct http_exchange *ex, const char *version)
{
	return ex->method + strlen(ex->method) + 1 == ex->target_at &&
	       ex->target_at + strlen(ex->target) + 1 == version;
}

const char *http_library_block_begin(const char *version)
{
	return version + strlen(version) + strlen("\r\n");
}

const char *http_library_block_end(struct MHD_Connection *connection, const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? method + info->header_size : method;
}

/* The body is read to where the header block ends; before the bytes of a chunk its header stands untouched. */
bool http_library_is_whole_chunk(const struct http_exchange *ex, const char *bytes)
{
	const char *begin = http_library_block_end(ex->connection, ex->method);
	const char *at = bytes - 3;

	if (bytes <= begin || bytes - begin > HTTP_CONNECTION_MEMORY || bytes[-1] != '\n')
		return true; /* it goes on, or its header came with an earlier read */
	if (bytes - begin < 3 || bytes[-2] != '\r')
		return false;
	for (; at >= begin && *at != '\n'; at--)
		if ((unsigned char)*at < ' ' && *at != '\t')
			return false;
	return at < begin || (at > begin && at[-1] == '\r');
}

/*
 * What this version answers itself once all headers are there, it writes twice; and a chunk's header that outgrows its
 * memory is an error 500 to it. It tells the log before it writes, from inside of the connection that it does not name:
 * so the exchanges that a thread has open are looked through, the one that is meant is answered here, and what the
 * library writes then goes nowhere.
 */
LIST_HEAD(arrivals, http_exchange);
static _Thread_local struct arrivals arriving;

void http_library_arrival_begins(struct http_exchange *ex)
{
	ex->arriving = true;
	LIST_INSERT_HEAD(&arriving, ex, others);
}

void http_library_arrival_ends(struct http_exchange *ex)
{
	if (ex->arriving)
		LIST_REMOVE(ex, others);
	ex->arriving = false;
}

static void write_answer(const struct http_exchange *ex, struct buf *out)
{
	const struct http_answer *a = &ex->answer;

	buf_addf(out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n", a->status,
		 MHD_get_reason_phrase_for(a->status), a->body_len);
	if (a->content_type)
		buf_addf(out, "Content-Type: %s\r\n", a->content_type);
	if (ex->request_id)
		buf_addf(out, "X-Request-Id: %s\r\n", ex->request_id);
	buf_add_str(out, "\r\n");
	buf_add(out, a->body, a->body_len);
}

/* Refuse it past the library. */
static void refuse_on_socket(struct http_exchange *ex, const char *sentence)
{
	struct buf text cleanup_buf = buf_make(ANSWER_ON_SOCKET_MAX);
	void *session = http_tls_session_of(ex->connection);
	int fd = http_socket_of(ex->connection);

	http_exchange_set_fault(ex, RC_INVALID_ARGUMENT, sentence);
	http_library_arrival_ends(ex);
	if (!ex->begun)
		http_exchange_admit(ex);
	else if (!ex->answered)
		ex->server->options.handle(ex->server->options.ctx, ex);
	ex->begun = true;
	ex->unread = true;
	write_answer(ex, &text);
	/* A client that takes nothing now gets nothing. */
	if (session)
		tls_write_last(session, text.data, text.len);
	else
		(void)send(fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
}

/* If one body alone comes in chunks, it is this one's header that the library means. */
static void refuse_chunk(void)
{
	struct http_exchange *found = NULL;

	for (struct http_exchange *ex = LIST_FIRST(&arriving); ex; ex = LIST_NEXT(ex, others)) {
		if (ex->begun && found)
			return;
		found = ex->begun ? ex : found;
	}
	if (found)
		refuse_on_socket(found, "the header of a chunk is too long");
}

static bool refuse_lengths(void)
{
	struct http_exchange *next;
	bool any = false;

	for (struct http_exchange *ex = LIST_FIRST(&arriving); ex; ex = next) {
		struct http_framing framing = HTTP_FRAMING_INIT;

		next = LIST_NEXT(ex, others);
		if (ex->begun)
			continue;
		http_exchange_read_headers(ex, &framing);
		if (framing.fault) {
			refuse_on_socket(ex, framing.fault);
			any = true;
		}
	}
	return any;
}

void http_library_on_own_answer(unsigned status)
{
	bool any = (status == MHD_HTTP_BAD_REQUEST || status == MHD_HTTP_CONTENT_TOO_LARGE) && refuse_lengths();

	if (!any && (status == MHD_HTTP_INTERNAL_SERVER_ERROR || status == MHD_HTTP_CONTENT_TOO_LARGE))
		refuse_chunk();
}

#endif
