/*
 * Private to common/http: passing a request to curl (http_easy.c).
 */
#ifndef COMMON_HTTP_HTTP_PRIVATE_H
#define COMMON_HTTP_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "common/http/http_client.h"

#define HTTP_HOST_MAX 300
#define HTTP_CONNECT_TIMEOUT_MS 4000
#define HTTP_RETRY_AFTER_TEXT_MAX 64      /* bytes of the header's value, white space included */
#define HTTP_ERROR_BODY_MAX (256u * 1024) /* bytes of an error response that are kept if on_bytes is set */

#define HTTP_CHAIN(code, call)           \
	do {                             \
		if ((code) == CURLE_OK)  \
			(code) = (call); \
	} while (0)

/* Lists that curl refers to until a transfer ends. */
struct http_easy_lists {
	struct curl_slist *headers;
	struct curl_slist *connect_to;
};

/* Initialise curl, once per process. */
void http_easy_init_library(void);

/*
 * Set all options of a request on a new or reset handle, except callbacks.
 * lists: filled, also after an error; http_easy_free_lists() when the transfer is over.
 */
CURLcode http_easy_set(CURL *easy, const struct http_request *request, struct http_easy_lists *lists);
void http_easy_free_lists(struct http_easy_lists *lists);

/* The value of a Retry-After header line, by retry_after_parse(); 0: another header, or a date. */
int http_easy_retry_after_s(const char *line, size_t len);

/* The HTTP status received; 0: none yet. */
int http_easy_status(CURL *easy);

/* The authority of a URL: host and port, with user and password if present; false if it does not fit. */
bool http_easy_authority(const char *url, char host[HTTP_HOST_MAX]);

/* Convert a curl code. */
enum rc http_easy_rc(CURLcode code);

#endif
