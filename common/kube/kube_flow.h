/*
 * Calls to the Kubernetes API with streamed responses: the same credentials and errors as kube_client.h, on the loop of
 * an http_multi. No retries: the caller decides how to continue.
 *
 * Threads: the loop only.
 */
#ifndef COMMON_KUBE_KUBE_FLOW_H
#define COMMON_KUBE_KUBE_FLOW_H

#include "common/http/http_multi.h"
#include "common/kube/kube_client.h"

struct kube_flow;

/* One call. */
struct kube_call;

struct kube_call_taker {
	/*
	 * As in http_duplex_taker: a streamed response on a separate connection. take NULL: the response is collected,
	 * up to KUBE_OBJECT_MAX, and begun is not called.
	 */
	void (*begun)(void *ctx);
	bool (*take)(void *ctx, const char *bytes, size_t len);
	/*
	 * The call has ended, and is freed afterwards.
	 *
	 * reply  as kube_client_do() fills it; borrowed. With `take` a 2xx response has no object.
	 * err    rc RC_OK: a complete 2xx response; else as kube_client_do().
	 */
	void (*done)(void *ctx, const struct kube_reply *reply, const struct error *err);
	void *ctx;
};

/* Create it; auth must outlive it. ret_flow: owned by the caller. Errors: those of http_multi_create(). */
enum rc kube_flow_create(struct kube_auth *auth, struct kube_flow **ret_flow, struct error *err) must_check;

/* Free it, after the end of all calls. NULL is allowed. */
void kube_flow_destroy(struct kube_flow *flow);

/* As in http_multi.h. */
int kube_flow_fd(const struct kube_flow *flow);
void kube_flow_turn(struct kube_flow *flow);
int64_t kube_flow_due_ms(const struct kube_flow *flow);

/*
 * Start a GET.
 *
 * path        copied.
 * timeout_ms  total; 0: none. No limit with `take`.
 * ret_call    valid until done(), kube_call_cancel() or kube_call_expire().
 * Errors: RC_TIMEOUT no credentials yet, retry later; those of kube_auth_get() and http_multi_start() and
 * http_duplex_open().
 */
enum rc kube_flow_get(struct kube_flow *flow, const char *path, int64_t timeout_ms, const struct kube_call_taker *taker,
		      struct kube_call **ret_call, struct error *err) must_check;

/* Continue after take() returned false. */
void kube_call_resume(struct kube_call *call);

/*
 * Cancel it, without done(): its response is no longer needed, or (expire) has taken too long. The metrics distinguish
 * these if no response has begun.
 */
void kube_call_cancel(struct kube_call *call);
void kube_call_expire(struct kube_call *call);

#endif
