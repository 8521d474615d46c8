/*
 * Calls to the Kubernetes API: credentials, retries within a deadline, and Kubernetes' errors as ours.
 */
#ifndef COMMON_KUBE_KUBE_CLIENT_H
#define COMMON_KUBE_KUBE_CLIENT_H

#include "common/kube/kube_auth.h"
#include "common/services/json.h"

#define KUBE_OBJECT_MAX (16u * 1024 * 1024) /* bytes of a buffered response; objects are below 8 MiB */

struct kube_client;

struct kube_request {
	const char *method;
	const char *path;         /* from kube_path.h */
	const char *content_type; /* NULL: application/json */
	const char *body;         /* NULL: none */
	size_t body_len;
	int64_t deadline_ms; /* clock_mono_ms(), including retries */
	/* As in struct http_request: for streamed responses. NULL: the response is parsed as a whole.
	 */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	/* Called before a retry if part of a response was passed to on_bytes. NULL if on_bytes is NULL. */
	void (*on_restart)(void *ctx);
	bool (*cancelled)(void *ctx); /* may be NULL */
	/* Called with repeat_ctx before each retry: false ends with the last error. May block. NULL: always retry. */
	bool (*may_repeat)(void *repeat_ctx);
	void *repeat_ctx;
	void *ctx;
	bool once; /* no retries */
};

/*
 * The response. `object` is its JSON: the object on success (NULL with on_bytes), the Kubernetes Status on an error
 * (NULL if not JSON).
 */
struct kube_reply {
	int status; /* HTTP; 0: no response */
	cJSON *object;
	bool unsure; /* an attempt was sent without a definite response: it may have been executed */
};

/*
 * Make a client for one thread; auth is shared and outlives it. ret_client: owned by the caller (kube_client_destroy).
 */
enum rc kube_client_create(struct kube_auth *auth, struct kube_client **ret_client, struct error *err) must_check;

/* Close its connections and free. NULL is allowed. */
void kube_client_destroy(struct kube_client *client);

/*
 * Execute one call.
 *
 * Retries, within the deadline: 429 and 5xx with or without Retry-After; for 8 s at most, failed connections, and a
 * Service without an available address; a 401 or 403 once (with renewed credentials), and then for 8 s while the server
 * is not ready, since it has not loaded its roles (for 1.5 s, if even /readyz is forbidden). The caller ensures that
 * retries are safe (all writes have a fixed name or a UID precondition).
 *
 * reply is overwritten; kube_reply_clear() by the caller, also after an error.
 *
 * Returns RC_OK for 2xx. Otherwise, with Kubernetes' message in err: RC_INVALID_ARGUMENT (400, 422),
 * RC_PERMISSION_DENIED (403), RC_NOT_FOUND, RC_ALREADY_EXISTS and RC_CONFLICT (409, by its reason), RC_EXPIRED (410),
 * RC_TOO_LARGE (413), RC_UNAVAILABLE (quota, a terminating namespace, no address for a Service, 401, 429, 5xx, no
 * connection, and invalid responses: no HTTP, no JSON, too large, a 404 without a Status; with retry_after_s),
 * RC_TIMEOUT (deadline, 504), RC_INTERNAL (on_bytes returned false).
 * Blocks: until the deadline at most.  Threads: one at a time for each client.
 *
 * Source: Kubernetes API conventions (response status kind); client-go rest/with_retry.go for retries; observed
 * responses of kube-apiserver during startup.
 */
enum rc kube_client_do(struct kube_client *client, const struct kube_request *request, struct kube_reply *reply,
		       struct error *err) must_check;

void kube_reply_clear(struct kube_reply *reply);
#define cleanup_kube_reply cleanup_with(kube_reply_clear)

#endif
