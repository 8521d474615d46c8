/*
 * Calls to the Kubernetes API with streamed responses: the same credentials and errors as kube_client.h, on the loop of
 * an http_multi, without a thread. One attempt each; the caller resumes.
 *
 * Threads: the loop alone.
 */
#ifndef COMMON_KUBE_KUBE_FLOW_H
#define COMMON_KUBE_KUBE_FLOW_H

#include "common/http/http_multi.h"
#include "common/kube/kube_client.h"

struct kube_flow;

/* One call. */
struct kube_call;

struct kube_call_taker {
	/* As http_transfer_taker.begun. */
	void (*begun)(void *ctx);
	/* As http_transfer_taker.take. NULL: the response is collected, up to KUBE_OBJECT_MAX. */
	bool (*take)(void *ctx, const char *bytes, size_t len);
	/*
	 * The call has ended, and is freed afterwards.
	 *
	 * reply  as kube_client_do() fills it; borrowed. With `take` a 2xx response has no object. err rc RC_OK: a
	 *        complete 2xx response; else as kube_client_do().
	 */
	void (*done)(void *ctx, const struct kube_reply *reply, const struct error *err);
	void *ctx;
};

/* Make one; auth outlives it. ret_flow: owned by the caller. Errors: those of http_multi_create(). */
enum rc kube_flow_create(struct kube_auth *auth, struct kube_flow **ret_flow, struct error *err) must_check;

/* Free it, without calls. NULL is allowed. */
void kube_flow_destroy(struct kube_flow *flow);

/* As those of http_multi.h. */
int kube_flow_fd(const struct kube_flow *flow);
void kube_flow_turn(struct kube_flow *flow);
int64_t kube_flow_due_ms(const struct kube_flow *flow);

/*
 * Begin a GET.
 *
 * path        copied.
 * timeout_ms  total; 0: none.
 * ret_call    valid until done(), or kube_call_cancel().
 * Errors: RC_TIMEOUT no credentials yet, retry later; those of kube_auth_get() and http_multi_start().
 */
enum rc kube_flow_get(struct kube_flow *flow, const char *path, int64_t timeout_ms, const struct kube_call_taker *taker,
		      struct kube_call **ret_call, struct error *err) must_check;

/* As http_transfer_resume() and http_transfer_cancel(). */
void kube_call_resume(struct kube_call *call);
void kube_call_cancel(struct kube_call *call);

#endif
