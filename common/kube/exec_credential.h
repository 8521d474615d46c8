/*
 * Input (KUBERNETES_EXEC_INFO) and output (an ExecCredential) of an exec credential plugin, and the renewal of its
 * credentials. Pure.
 *
 * Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "client-go credential plugins";
 * client.authentication.k8s.io/v1 and v1beta1.
 */
#ifndef COMMON_KUBE_EXEC_CREDENTIAL_H
#define COMMON_KUBE_EXEC_CREDENTIAL_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/kube/kubeconfig.h"

/* The credentials of a plugin: token, or certificate and key, or all of them; NULL: absent. */
struct exec_credential {
	char *token;
	char *cert; /* PEM */
	char *key;
	int64_t expires_ms; /* wall clock; 0: no expiry */
};

/* Wipe and free. A zeroed struct is allowed. */
void exec_credential_clear(struct exec_credential *credential);

/* Append the JSON for the plugin's environment. ca_pem may be NULL. */
void exec_credential_add_info(const struct kubeconfig *config, const char *ca_pem, struct buf *out);

/*
 * Parse the output of the plugin.
 *
 * api_version     of the kubeconfig; another one in the text is an error.
 * ret_credential  owned by the caller (exec_credential_clear).
 * Errors: RC_INVALID_ARGUMENT with the reason, without values; RC_NO_MEMORY.
 */
enum rc exec_credential_parse(const char *text, size_t len, const char *api_version,
			      struct exec_credential *ret_credential, struct error *err) must_check;

/* ---- when to run the plugin -------------------------------------------------------------------------------------- */

/* The action for a request for credentials. */
enum exec_verdict {
	EXEC_USE,   /* use the current credentials */
	EXEC_RENEW, /* run the plugin; the current credentials are still valid */
	EXEC_RUN,   /* run the plugin, and wait for it */
	EXEC_FAIL,  /* it failed recently: return its error */
};

struct exec_cache {
	struct exec_credential credential;
	bool filled;
	bool rejected;          /* the server returned 401 */
	bool failed;            /* the last run failed */
	int64_t renew_ms;       /* wall clock: renew from then on; 0: never */
	int64_t pause_until_ms; /* monotonic: no run before that */
	struct error failure;   /* of the last run */
};

/* Decide. wall_ms and mono_ms are now. */
enum exec_verdict exec_cache_decide(const struct exec_cache *cache, int64_t wall_ms, int64_t mono_ms);

/* After a successful run: take over its credentials (*credential is emptied). Returns whether they changed. */
bool exec_cache_take(struct exec_cache *cache, struct exec_credential *credential, int64_t wall_ms, int64_t mono_ms);

/* After a failed run. */
void exec_cache_fail(struct exec_cache *cache, const struct error *failure, int64_t mono_ms);

#endif
