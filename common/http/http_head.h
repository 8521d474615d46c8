/*
 * The head of an HTTP/1.1 response, for connections that curl only opens (http_duplex.h). Pure.
 */
#ifndef COMMON_HTTP_HTTP_HEAD_H
#define COMMON_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX (16u * 1024) /* bytes; a longer one is invalid */

enum http_head_state {
	HTTP_HEAD_INCOMPLETE,
	HTTP_HEAD_COMPLETE,
	HTTP_HEAD_INVALID, /* not an HTTP/1.1 response */
};

/*
 * Find the head at the beginning of the received bytes.
 * ret_status: of HTTP. ret_len: bytes of the head, including the empty line. Set if complete.
 */
enum http_head_state http_head_read(const char *bytes, size_t len, int *ret_status, size_t *ret_len);

/*
 * Copy the value of a header of a complete head, case-insensitive, without surrounding white space: the first if there
 * are several. False: not found, or it does not fit.
 */
bool http_head_value(const char *head, size_t len, const char *name, char *out, size_t size);

#endif
