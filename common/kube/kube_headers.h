/*
 * The headers that say who we are and for whom we act, of what never changes: basic authentication and impersonation.
 * Pure.
 */
#ifndef COMMON_KUBE_KUBE_HEADERS_H
#define COMMON_KUBE_KUBE_HEADERS_H

#include "common/kube/kubeconfig.h"

#define KUBE_HEADERS_MAX 12 /* the token's included; kube_client.c has no room for more */

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

/* The header that says which program asks. Any thread. */
const char *kube_user_agent(void);

#endif
