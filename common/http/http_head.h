/*
 * The head of an HTTP/1.1 answer, for connections that curl only opens (http_duplex.h). Pure.
 */
#ifndef COMMON_HTTP_HTTP_HEAD_H
#define COMMON_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX (16u * 1024) /* bytes; a longer one is invalid */

enum http_head_state {
	HTTP_HEAD_INCOMPLETE,
	HTTP_HEAD_COMPLETE,
	HTTP_HEAD_INVALID, /* whoever answers does not speak HTTP/1.1 */
};

/*
 * Look for the head at the beginning of what has come.
 * ret_status: of HTTP. ret_len: bytes of the head, with the empty line that ends it. Set when it is complete.
 */
enum http_head_state http_head_read(const char *bytes, size_t len, int *ret_status, size_t *ret_len);

/*
 * Copy the value of a header of a complete head, its name in any case, without white space around it: the first when
 * there are several. False: there is none, or it does not fit.
 */
bool http_head_value(const char *head, size_t len, const char *name, char *out, size_t size);

#endif
