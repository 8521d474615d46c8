/*
 * Credentials and address of the Kubernetes API server: from a kubeconfig file (kubeconfig.h) or from the service
 * account of the Pod. Tokens, certificates and plugins are renewed here; callers take a snapshot for each request.
 */
#ifndef COMMON_KUBE_KUBE_AUTH_H
#define COMMON_KUBE_KUBE_AUTH_H

#include "common/http/http_client.h"
#include "common/kube/in_cluster.h"
#include "common/services/config.h"

struct kube_auth;

/* The settings, as CONFIG_ROWS_KUBERNETES() fills them; borrowed for the call. */
struct kube_access {
	const char *kubeconfig;      /* a path, or several separated by ':' (merged, the first wins); "": in-cluster */
	const char *service_account; /* in-cluster: the directory of the mounted token and ca.crt */
};

/* The deadline of a caller. */
struct kube_auth_wait {
	int64_t deadline_ms;          /* clock_mono_ms() */
	bool (*cancelled)(void *ctx); /* called several times per second; may be NULL */
	void *ctx;
};

/* An immutable, reference-counted snapshot. */
struct kube_credentials {
	const char *server;         /* "https://host:port", optionally with a path; no trailing slash */
	const char *const *headers; /* "Authorization: ...", "Impersonate-User: ..." */
	size_t header_count;
	struct http_identity identity;
};

/* For `check` of a config_program: appends a line for each error of kube_auth_create(). */
void kube_auth_check(const struct kube_access *access, struct buf *faults);

/*
 * Read the configuration; in-cluster also KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
 *
 * ret_auth  owned by the caller (kube_auth_destroy).
 *
 * Errors: RC_INVALID_ARGUMENT with the variable, the file and the error in it (including unsupported authentication);
 * RC_NOT_FOUND a file does not exist; RC_NO_MEMORY.
 * Runs no plugin and opens no connection.
 */
enum rc kube_auth_create(const struct kube_access *access, struct kube_auth **ret_auth, struct error *err) must_check;

/* Stop the plugin, if running, and free; snapshots stay valid until they are released. NULL is allowed. */
void kube_auth_destroy(struct kube_auth *auth);

/*
 * The credentials to use now: changed files are read again (if empty or unreadable, the current content is kept); a
 * plugin is run on its own thread, initially and before its credentials expire.
 *
 * ret_credentials  a reference for the caller (kube_credentials_release).
 * Errors: RC_UNAVAILABLE a plugin failed or timed out (30 s), a token file could never be read, or cancelled;
 * RC_TIMEOUT the deadline expired, and the plugin keeps running for later callers; RC_NO_MEMORY.
 * Blocks: only while there are no credentials before a plugin has finished; until the deadline at most.  Threads: any.
 */
enum rc kube_auth_get(struct kube_auth *auth, const struct kube_auth_wait *wait,
		      const struct kube_credentials **ret_credentials, struct error *err) must_check;

/*
 * The server returned 401 for these credentials: the next kube_auth_get() reads files and runs plugins again. No effect
 * if they were renewed since. Threads: any.
 */
void kube_auth_reject(struct kube_auth *auth, const struct kube_credentials *credentials);

/* Release a snapshot; secrets are wiped with the last reference. NULL is allowed. */
void kube_credentials_release(const struct kube_credentials *credentials);

/* clang-format off */
/* For the processes that use Kubernetes; `config` (the struct) has the members namespace and `kube` (kube_access). */
#define CONFIG_ROWS_KUBERNETES(config) \
	{ .env = "SP_K8S_NAMESPACE", .offset = offsetof(config, namespace), .fallback = "default", \
	  .valid = config_is_namespace, .form = "a namespace name: 1 to 63 of a-z, 0-9 and '-'", \
	  .help = "Kubernetes namespace of all containers" }, \
	{ .env = "SP_K8S_KUBECONFIG", .offset = offsetof(config, kube.kubeconfig), .fallback = "", \
	  .help = "Path of a kubeconfig file; empty: the service account of the Pod" }, \
	{ .env = "SP_K8S_SERVICE_ACCOUNT_DIR", .offset = offsetof(config, kube.service_account), \
	  .fallback = IN_CLUSTER_FOLDER, .help = "Directory of the service account's token and ca.crt" }
/* clang-format on */

#endif
