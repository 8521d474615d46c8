/*
 * The configuration of a process in a Pod: the API server's address from the environment, token and CA from the mounted
 * service account.
 */
#ifndef COMMON_KUBE_IN_CLUSTER_H
#define COMMON_KUBE_IN_CLUSTER_H

#include "common/kube/kubeconfig.h"

/* Where the kubelet mounts the service account. */
#define IN_CLUSTER_VARIABLE "SP_K8S_SERVICE_ACCOUNT_DIR" /* overrides it */
#define IN_CLUSTER_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

/*
 * Load the in-cluster configuration.
 *
 * folder      of the mounted service account (SP_K8S_SERVICE_ACCOUNT_DIR).
 * ret_config  owned by the caller (kubeconfig_destroy).
 * Errors: RC_INVALID_ARGUMENT the environment variables are missing (not in a Pod) or invalid; RC_NOT_FOUND no service
 * account is mounted; RC_NO_MEMORY.
 */
enum rc in_cluster_load(const char *folder, struct kubeconfig **ret_config, struct error *err) must_check;

#endif
