/*
 * Internals of http_multi, for http_multi.c and http_link.c.
 */
#ifndef COMMON_HTTP_HTTP_MULTI_PRIVATE_H
#define COMMON_HTTP_HTTP_MULTI_PRIVATE_H

#include <sys/queue.h>

#include "common/adapters/crypto.h"
#include "common/http/http_multi.h"
#include "common/http/http_private.h"

#define HTTP_EVENTS_AT_ONCE 8 /* per turn: each may be a TLS handshake, and the loop must not starve others */

#define HTTP_FINGERPRINT_TEXTS 3

/* Of an http_identity. */
struct http_fingerprint {
	bool insecure;
	bool is_set[HTTP_FINGERPRINT_TEXTS];
	unsigned char digest[HTTP_FINGERPRINT_TEXTS][CRYPTO_SHA256_SIZE];
};

/* The CURLOPT_PRIVATE of a handle. */
struct http_job {
	void (*done)(struct http_job *job, CURLcode code);
};

struct http_multi {
	CURLM *curl;
	int epoll;
	int64_t due_ms; /* curl's timer; INT64_MAX: none */
	/* Of http_link.c: */
	int link_epoll; /* nested; -1: none yet */
	TAILQ_HEAD(http_due_links, http_link) due_links;
	struct tls_identity *identity; /* of the last connection; NULL: none */
	struct http_fingerprint fingerprint;
	int64_t identity_made_ms;
};

/* Add a handle whose CURLOPT_PRIVATE is a job. */
CURLcode http_multi_add(struct http_multi *multi, CURL *easy, struct http_job *job);

/* Process the connections of http_link.c; and when to call it at the latest. */
void http_link_turn(struct http_multi *multi);
int64_t http_link_due_ms(const struct http_multi *multi);

void http_link_forget_identity(struct http_multi *multi);

#endif
