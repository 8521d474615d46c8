/*
 * Internals of a kube_flow, for kube_flow.c and kube_socket.c.
 */
#ifndef COMMON_KUBE_KUBE_FLOW_PRIVATE_H
#define COMMON_KUBE_KUBE_FLOW_PRIVATE_H

#include "common/kube/kube_flow.h"

#define KUBE_FLOW_HEADERS_MAX 24

struct kube_flow {
	struct kube_auth *auth;
	struct http_multi *http;
};

/* A GET with the current credentials. */
struct kube_flow_request {
	const struct kube_credentials *credentials; /* which the request refers to until it is over */
	struct buf url;
	const char *headers[KUBE_FLOW_HEADERS_MAX];
	struct http_request http;
};

/*
 * Compose it; `own` headers come first.
 *
 * ret_request  kube_flow_request_clear() by the caller, which keeps the credentials (TAKE) once it is sent.
 * Errors: RC_TIMEOUT no credentials yet; those of kube_auth_get(); RC_NO_MEMORY, RC_TOO_LARGE.
 */
enum rc kube_flow_request_make(struct kube_flow *flow, const char *path, const char *const *own, size_t own_count,
			       struct kube_flow_request *ret_request, struct error *err) must_check;

void kube_flow_request_clear(struct kube_flow_request *request);
#define cleanup_kube_flow_request cleanup_with(kube_flow_request_clear)

#endif
