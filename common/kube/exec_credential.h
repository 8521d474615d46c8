/*
 * The texts that go between us and an exec credential plugin: what it is told (KUBERNETES_EXEC_INFO) and what it
 * prints (an ExecCredential). And when what it gave must be renewed. Pure.
 *
 * Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "client-go credential plugins";
 * client.authentication.k8s.io/v1 and v1beta1.
 */
#ifndef COMMON_KUBE_EXEC_CREDENTIAL_H
#define COMMON_KUBE_EXEC_CREDENTIAL_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/kube/kubeconfig.h"

/* What a plugin gave. Token, or certificate and key, or all of them; NULL: not given. */
struct exec_credential {
	char *token;
	char *cert; /* PEM */
	char *key;
	int64_t expires_ms; /* wall clock; 0: it did not say */
};

/* Wipe and free. A zeroed struct is allowed. */
void exec_credential_clear(struct exec_credential *credential);

/* Append the JSON that the plugin finds in its environment. ca_pem may be NULL. */
void exec_credential_add_info(const struct kubeconfig *config, const char *ca_pem, struct buf *out);

/*
 * Read what the plugin printed.
 *
 * api_version     that the kubeconfig asks for; another one in the text is an error.
 * ret_credential  owned by the caller (exec_credential_clear).
 * Errors: RC_INVALID_ARGUMENT with what is wrong, never with a value; RC_NO_MEMORY.
 */
enum rc exec_credential_parse(const char *text, size_t len, const char *api_version,
			      struct exec_credential *ret_credential, struct error *err) must_check;

/* ---- when to run the plugin -------------------------------------------------------------------------------------- */

/* What to do about a request for credentials. */
enum exec_verdict {
	EXEC_USE,   /* what is there */
	EXEC_RENEW, /* run the plugin; until it has ended, what is there will do */
	EXEC_RUN,   /* run the plugin; nothing can be used before */
	EXEC_FAIL,  /* it failed a moment ago: give that error */
};

struct exec_cache {
	struct exec_credential credential;
	bool filled;
	bool rejected;          /* the server answered 401 */
	bool failed;            /* the last run did */
	int64_t renew_ms;       /* wall clock: ask for a new one from then on; 0: never */
	int64_t pause_until_ms; /* monotonic: the plugin is left alone until then */
	struct error failure;   /* of the last run */
};

/* Decide. wall_ms and mono_ms are now. */
enum exec_verdict exec_cache_decide(const struct exec_cache *cache, int64_t wall_ms, int64_t mono_ms);

/* A run has ended well: take over what it gave (*credential is emptied). Returns whether it is something else. */
bool exec_cache_take(struct exec_cache *cache, struct exec_credential *credential, int64_t wall_ms, int64_t mono_ms);

/* A run has failed. */
void exec_cache_fail(struct exec_cache *cache, const struct error *failure, int64_t mono_ms);

#endif
