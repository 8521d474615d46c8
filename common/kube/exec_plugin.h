/*
 * Runs a kubeconfig's exec credential plugin. Input and output: exec_credential.h.
 */
#ifndef COMMON_KUBE_EXEC_PLUGIN_H
#define COMMON_KUBE_EXEC_PLUGIN_H

#include <stdatomic.h>

#include "common/kube/exec_credential.h"

#define EXEC_PLUGIN_TIMEOUT_MS 30000

/*
 * Run the plugin once.
 *
 * config          with exec.command set.
 * ca_pem          the cluster's CA certificates, if the plugin requests them; may be NULL.
 * stop            set by another thread: kill the plugin immediately; may be NULL.
 * ret_credential  owned by the caller (exec_credential_clear).
 *
 * Errors: RC_UNAVAILABLE for all failures, with the plugin's name: not installed (with its installHint), exit code and
 * the end of its stderr, timeout, invalid output; RC_NO_MEMORY.
 * Blocks: up to timeout_ms.  Threads: any.
 */
enum rc exec_plugin_run(const struct kubeconfig *config, const char *ca_pem, int64_t timeout_ms,
			const atomic_bool *stop, struct exec_credential *ret_credential, struct error *err) must_check;

#endif
