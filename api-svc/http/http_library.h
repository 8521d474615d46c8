/*
 * Where versions of libmicrohttpd differ, and what we do about it: 1.0 is strict when it is told to be, 0.9.75 parses
 * in place, hides what it is lenient about, and answers some requests by itself in its own way.
 */
#ifndef API_SVC_HTTP_HTTP_LIBRARY_H
#define API_SVC_HTTP_HTTP_LIBRARY_H

#include "api-svc/http/http_private.h"

/*
 * For MHD_start_daemon(). With 1, 0.9.75 refuses what we refuse (no Host, a space in the target), but answers it
 * twice.
 */
#if MHD_VERSION >= 0x01000000
#define HTTP_LIBRARY_STRICTNESS_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#define HTTP_LIBRARY_STRICTNESS 1
#else
#define HTTP_LIBRARY_STRICTNESS_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#define HTTP_LIBRARY_STRICTNESS 0
#endif

/*
 * The library copies the first header Cookie to take it apart, and when that does not fit its memory refuses the
 * request (0.9.75: twice). So the first one is ours, and empty: plant it before the headers are read; `name` is of a
 * header that the library shows.
 */
void http_library_plant_header(struct MHD_Connection *connection);
bool http_library_has_planted(const char *name);

/* Do method, target and version stand in one line, with one space between them, and nothing else? */
bool http_library_is_whole_line(const struct http_exchange *ex, const char *version);

/* For http_framing.next, and the end that belongs to it; NULL: the library is strict. */
const char *http_library_block_begin(const char *version);
const char *http_library_block_end(struct MHD_Connection *connection, const char *method);

/* Are the lines before the bytes of a chunk what RFC 9112 section 7.1 says, as far as they can still be seen? */
bool http_library_is_whole_chunk(const struct http_exchange *ex, const char *bytes);

/*
 * From its request line on, an exchange is arriving until its headers are there, and its body when that has chunks.
 * Meanwhile the library may answer by itself: it says so to its log first, with this status. On the connection's
 * thread.
 */
void http_library_arrival_begins(struct http_exchange *ex);
void http_library_arrival_ends(struct http_exchange *ex);
void http_library_on_own_answer(unsigned status);

#endif
