/*
 * Internals of an http_multi, for http_multi.c and http_duplex.c.
 */
#ifndef COMMON_HTTP_HTTP_MULTI_PRIVATE_H
#define COMMON_HTTP_HTTP_MULTI_PRIVATE_H

#include "common/http/http_multi.h"
#include "common/http/http_private.h"

#define HTTP_EVENTS_AT_ONCE 8 /* per turn: each may be a TLS handshake, and the loop must not starve others */

/* The CURLOPT_PRIVATE of a handle. */
struct http_job {
	void (*done)(struct http_job *job, CURLcode code);
};

struct http_multi {
	CURLM *curl;
	int epoll;
	int64_t due_ms; /* curl's timer; INT64_MAX: none */
	/* Of http_duplex.c: */
	int duplex_epoll; /* nested; -1: none yet */
	struct http_duplex *connecting;
};

/* Add a handle whose CURLOPT_PRIVATE is a job. */
CURLcode http_multi_add(struct http_multi *multi, CURL *easy, struct http_job *job);

/* Handle events of the connections of http_duplex.c; and the time of the next call. */
void http_duplex_turn(struct http_multi *multi);
int64_t http_duplex_due_ms(const struct http_multi *multi);

#endif
