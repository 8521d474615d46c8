/*
 * The constant authentication headers: basic authentication and impersonation. Pure.
 */
#ifndef COMMON_KUBE_KUBE_HEADERS_H
#define COMMON_KUBE_KUBE_HEADERS_H

#include "common/kube/kubeconfig.h"

#define KUBE_HEADERS_MAX 12 /* including the token; the limit of kube_client.c */

/*
 * Compose them.
 *
 * headers  empty; filled also on failure (kube_headers_clear).
 * Errors: RC_INVALID_ARGUMENT more than KUBE_HEADERS_MAX - 1; RC_NO_MEMORY.
 * Source: kubernetes.io/docs/reference/access-authn-authz/user-impersonation; RFC 7617.
 */
enum rc kube_headers_compose(const struct kubeconfig *config, struct kubeconfig_list *headers, struct error *err)
	must_check;

/* Wipe and free. A zeroed struct is allowed. */
void kube_headers_clear(struct kubeconfig_list *headers);

/* The User-Agent header. Thread-safe. */
const char *kube_user_agent(void);

#endif
