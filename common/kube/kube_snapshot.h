/*
 * Implements struct kube_credentials: one block of memory, reference-counted, wiped with the last reference
 * (kube_credentials_release).
 */
#ifndef COMMON_KUBE_KUBE_SNAPSHOT_H
#define COMMON_KUBE_KUBE_SNAPSHOT_H

#include "common/kube/kube_auth.h"
#include "common/kube/kubeconfig.h"

/* The input. Everything is borrowed for the call, and copied. */
struct kube_snapshot_parts {
	const char *server;
	const struct kubeconfig_list *headers; /* the constant ones */
	const char *token;                     /* NULL: none */
	struct http_identity identity;
};

/* A snapshot with one reference. NULL: no memory. */
const struct kube_credentials *kube_snapshot_make(const struct kube_snapshot_parts *parts);

/* One more reference. Safe in every thread. */
const struct kube_credentials *kube_snapshot_ref(const struct kube_credentials *credentials);

#endif
