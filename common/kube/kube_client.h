/*
 * Calls to the Kubernetes API: credentials, retries within a deadline, and Kubernetes' errors as ours.
 */
#ifndef COMMON_KUBE_KUBE_CLIENT_H
#define COMMON_KUBE_KUBE_CLIENT_H

#include "common/kube/kube_auth.h"
#include "common/services/json.h"

#define KUBE_OBJECT_MAX (16u * 1024 * 1024) /* bytes of one answer that is kept whole; objects are below 8 MiB */

struct kube_client;

struct kube_request {
	const char *method;
	const char *path;         /* from kube_path.h */
	const char *content_type; /* NULL: application/json */
	const char *body;         /* NULL: none */
	size_t body_len;
	int64_t deadline_ms; /* clock_mono_ms(): everything, retries included, ends before it */
	/* As in struct http_request: for answers that are read piece by piece. NULL: the answer is parsed as a whole.
	 */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	/* Before another try of a request whose answer had begun to flow into on_bytes. NULL when on_bytes is NULL. */
	void (*on_restart)(void *ctx);
	bool (*cancelled)(void *ctx); /* may be NULL */
	/* Asked before each further try: false ends them with the last error. Gets repeat_ctx; may block. NULL: yes. */
	bool (*may_repeat)(void *repeat_ctx);
	void *repeat_ctx;
	void *ctx;
	bool once; /* no retry: the caller has its own way to continue */
};

/*
 * What came back. `object` is the answer's JSON: the object on success (NULL with on_bytes), Kubernetes' Status on an
 * error (NULL when the answer was no JSON).
 */
struct kube_reply {
	int status; /* HTTP; 0: no answer */
	cJSON *object;
	bool unsure; /* a try left for the API server and had no clear answer: it may have been carried out */
};

/* Make a client for one thread; auth is shared and outlives it. ret_client: given (kube_client_destroy). */
enum rc kube_client_create(struct kube_auth *auth, struct kube_client **ret_client, struct error *err) must_check;

/* Close its connections and free. NULL is allowed. */
void kube_client_destroy(struct kube_client *client);

/*
 * Carry out one call.
 *
 * Tries again, within the deadline: 429 and every 5xx with or without Retry-After; for 8 s at most, connections that
 * fail or break, and a Service that gets no address; and a 401 or 403 once (with renewed credentials), and then for as
 * long, when the server says that it is not ready: it knows no roles yet (for 1.5 s, when even the question is
 * forbidden). The caller makes sure that a repetition does no harm (all of ours are writes with a fixed name or with a
 * UID precondition).
 *
 * reply  is filled anew; kube_reply_clear() by the caller, also after an error.
 *
 * Returns RC_OK for 2xx. Otherwise, with Kubernetes' message in err: RC_INVALID_ARGUMENT (400, 422),
 * RC_PERMISSION_DENIED (403), RC_NOT_FOUND, RC_ALREADY_EXISTS and RC_CONFLICT (409, by its reason), RC_EXPIRED (410),
 * RC_TOO_LARGE (413), RC_UNAVAILABLE (quota, a namespace that is being terminated, no address for a Service, 401, 429,
 * 5xx, no connection, and whatever is no answer of a Kubernetes: no HTTP, no JSON, too large, a 404 without a Status;
 * retry_after_s as granted), RC_TIMEOUT (deadline, 504), RC_INTERNAL (on_bytes wanted no more).
 * Blocks: until the deadline at most.  Threads: one at a time for each client.
 *
 * Source: Kubernetes API conventions (response status kind); client-go rest/with_retry.go for what is retried;
 * what a kube-apiserver was seen to answer in the seconds after its start.
 */
enum rc kube_client_do(struct kube_client *client, const struct kube_request *request, struct kube_reply *reply,
		       struct error *err) must_check;

void kube_reply_clear(struct kube_reply *reply);
#define cleanup_kube_reply cleanup_with(kube_reply_clear)

#endif
