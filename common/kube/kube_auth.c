#include "common/kube/kube_auth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/kube/exec_plugin.h"
#include "common/kube/in_cluster.h"
#include "common/kube/kube_headers.h"
#include "common/kube/kube_secrets.h"
#include "common/kube/kube_snapshot.h"
#include "common/services/log.h"

#define KUBECONFIG_VARIABLE "SP_K8S_KUBECONFIG"
#define FILES_CHECK_MS 1000 /* interval of file checks by stat() */
#define CANCELLED_MS 100    /* interval of cancellation checks while waiting for a plugin */

struct kube_auth {
	struct kubeconfig *config;      /* never changes */
	struct kubeconfig_list headers; /* never changes */
	bool has_plugin;                /* never changes */

	pthread_mutex_t lock; /* protects everything below */
	struct kube_secrets secrets;
	int64_t checked_ms;                     /* last check of the files */
	const struct kube_credentials *current; /* a reference; NULL: none yet */
	bool stale;                             /* must be rebuilt from newer data */
	bool rejected;                          /* the server rejected them: read the files again */
	bool reading;                           /* a thread reads the files, without the lock */
	struct exec_cache plugin;
	bool plugin_started;       /* plugin_thread is to be joined */
	bool plugin_idle;          /* the plugin is not running on plugin_thread (without the lock) */
	pthread_t plugin_thread;   /* the last */
	pthread_cond_t plugin_end; /* broadcast at its exit */

	atomic_bool ending; /* stops the plugin */
};

/* Credentials in the kubeconfig take precedence over a plugin, as in client-go (exec.go, UpdateTransportConfig). */
static bool wants_plugin(const struct kubeconfig *config)
{
	return config->exec.command && !config->token && !config->token_file && !config->username &&
	       !config->password && !config->cert_file && !config->cert_data;
}

static enum rc load_config(const struct kube_access *access, struct kubeconfig **ret_config, struct error *err)
{
	enum rc rc;

	if (!access->kubeconfig[0])
		return in_cluster_load(access->service_account, ret_config, err);
	rc = kubeconfig_load(access->kubeconfig, ret_config, err);
	return rc ? error_wrap(err, rc, KUBECONFIG_VARIABLE) : RC_OK;
}

static enum rc load_secrets(struct kube_auth *auth, const struct kube_access *access, struct error *err)
{
	const char *variable = access->kubeconfig[0] ? KUBECONFIG_VARIABLE : IN_CLUSTER_VARIABLE;
	enum rc rc = kube_headers_compose(auth->config, &auth->headers, err);

	if (!rc)
		rc = kube_secrets_init(&auth->secrets, variable, auth->config, err);
	return rc ? error_wrap(err, rc, "%s", variable) : RC_OK;
}

void kube_auth_check(const struct kube_access *access, struct buf *faults)
{
	struct kube_auth *auth = NULL;
	struct error err;

	if (kube_auth_create(access, &auth, &err))
		buf_addf(faults, "%s\n", err.text);
	kube_auth_destroy(auth);
}

enum rc kube_auth_create(const struct kube_access *access, struct kube_auth **ret_auth, struct error *err)
{
	struct kube_auth *auth = calloc(1, sizeof(*auth));
	enum rc rc;

	if (!auth)
		return error_no_memory(err);
	pthread_mutex_init(&auth->lock, NULL);
	pthread_cond_init(&auth->plugin_end, NULL);
	auth->plugin_idle = true;
	rc = load_config(access, &auth->config, err);
	if (!rc)
		rc = load_secrets(auth, access, err);
	if (rc) {
		kube_auth_destroy(auth);
		return rc;
	}
	auth->has_plugin = wants_plugin(auth->config);
	auth->checked_ms = clock_mono_ms();
	*ret_auth = auth;
	return RC_OK;
}

void kube_auth_destroy(struct kube_auth *auth)
{
	if (!auth)
		return;
	atomic_store(&auth->ending, true);
	if (auth->plugin_started)
		pthread_join(auth->plugin_thread, NULL);
	kube_credentials_release(auth->current);
	exec_credential_clear(&auth->plugin.credential);
	kube_secrets_clear(&auth->secrets);
	kube_headers_clear(&auth->headers);
	kubeconfig_destroy(auth->config);
	pthread_cond_destroy(&auth->plugin_end);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}

/* Build new credentials from the current data. */
static enum rc rebuild(struct kube_auth *auth, struct error *err)
{
	const struct kubeconfig *config = auth->config;
	const struct exec_credential *plugin = &auth->plugin.credential; /* empty without a plugin */
	const struct kube_secrets *secrets = &auth->secrets;
	struct kube_snapshot_parts parts = {
		.server = config->server,
		.headers = &auth->headers,
		.token = plugin->token ? plugin->token : secrets->token.text,
		.identity = {
			.ca_pem = secrets->ca.text,
			.cert_pem = plugin->cert ? plugin->cert : secrets->cert.text,
			.key_pem = plugin->key ? plugin->key : secrets->key.text,
			.insecure = config->insecure,
			.server_name = str_has_prefix(config->server, "https:") ? config->server_name : NULL,
			.proxy = config->proxy,
		},
	};
	const struct kube_credentials *made;

	if (secrets->token.path && !parts.token)
		return error_set(err, RC_UNAVAILABLE, "%s: %s: cannot read tokenFile %s: %s", secrets->variable,
				 config->user_place, secrets->token.path, secrets->token_error.text);
	made = kube_snapshot_make(&parts);
	if (!made)
		return error_no_memory(err);
	kube_credentials_release(auth->current);
	auth->current = made;
	auth->stale = false;
	return RC_OK;
}

/*
 * Check the files when due. One thread at a time, without the lock, because a file system may hang; the others use the
 * current credentials. The lock is held, and released in between.
 */
static void renew_files(struct kube_auth *auth)
{
	struct kube_secrets secrets cleanup_with(kube_secrets_clear) = { 0 };
	bool everything = auth->rejected;
	int64_t now = clock_mono_ms();
	bool changed;

	if (auth->reading || (!everything && now - auth->checked_ms < FILES_CHECK_MS) ||
	    !kube_secrets_copy(&auth->secrets, &secrets))
		return;
	auth->checked_ms = now;
	auth->rejected = false;
	auth->reading = true;
	pthread_mutex_unlock(&auth->lock);
	changed = kube_secrets_renew(&secrets, everything);
	pthread_mutex_lock(&auth->lock);
	auth->reading = false;
	auth->stale |= changed;
	kube_secrets_swap(&auth->secrets, &secrets);
}

static void note_failure(struct kube_auth *auth, const struct error *failure)
{
	exec_cache_fail(&auth->plugin, failure, clock_mono_ms());
	if (exec_cache_decide(&auth->plugin, clock_wall_ms(), clock_mono_ms()) == EXEC_USE)
		log_warn("exec plugin failed; keeping its last credentials until they expire", log_err(failure));
}

/* The plugin's thread. */
static void *run_plugin(void *ctx)
{
	struct kube_auth *auth = ctx;
	struct exec_credential credential = { 0 };
	cleanup_free char *ca_pem = NULL;
	struct error error;
	enum rc rc;

	pthread_mutex_lock(&auth->lock);
	ca_pem = str_dup(auth->secrets.ca.text);
	pthread_mutex_unlock(&auth->lock);
	rc = exec_plugin_run(auth->config, ca_pem, EXEC_PLUGIN_TIMEOUT_MS, &auth->ending, &credential, &error);
	pthread_mutex_lock(&auth->lock);
	auth->plugin_idle = true;
	if (rc)
		note_failure(auth, &error);
	else if (exec_cache_take(&auth->plugin, &credential, clock_wall_ms(), clock_mono_ms()))
		auth->stale = true;
	pthread_cond_broadcast(&auth->plugin_end);
	pthread_mutex_unlock(&auth->lock);
	return NULL;
}

static void start_plugin(struct kube_auth *auth)
{
	struct error error;

	if (!auth->plugin_idle)
		return;
	if (auth->plugin_started)
		pthread_join(auth->plugin_thread, NULL); /* it has finished, and no longer takes the lock */
	auth->plugin_started = thread_start(run_plugin, auth, &auth->plugin_thread, &error) == RC_OK;
	auth->plugin_idle = !auth->plugin_started;
	if (!auth->plugin_started)
		note_failure(auth, &error);
}

/* Wait for the plugin, with a short timeout. */
static enum rc wait_for_plugin(struct kube_auth *auth, const struct kube_auth_wait *wait, struct error *err)
{
	int64_t left_ms = wait->deadline_ms - clock_mono_ms();

	if (left_ms <= 0)
		return error_set(err, RC_TIMEOUT, "%s: exec plugin '%.100s' is still running", auth->config->user_place,
				 auth->config->exec.command);
	if (wait->cancelled && wait->cancelled(wait->ctx))
		return error_set(err, RC_UNAVAILABLE, "the exec plugin was cancelled");
	(void)thread_wait_until(&auth->plugin_end, &auth->lock, &auth->plugin_idle,
				left_ms < CANCELLED_MS ? left_ms : CANCELLED_MS); /* the caller checks the result */
	return RC_OK;
}

/* Ensure that the plugin's credentials are usable: run it if necessary, and wait only if there are none yet. */
static enum rc renew_plugin(struct kube_auth *auth, const struct kube_auth_wait *wait, struct error *err)
{
	enum rc rc = RC_OK;

	while (!rc) {
		switch (exec_cache_decide(&auth->plugin, clock_wall_ms(), clock_mono_ms())) {
		case EXEC_USE:
			return RC_OK;
		case EXEC_FAIL:
			if (err)
				*err = auth->plugin.failure;
			return auth->plugin.failure.rc;
		case EXEC_RENEW:
			start_plugin(auth);
			return RC_OK;
		case EXEC_RUN:
			start_plugin(auth);
			rc = wait_for_plugin(auth, wait, err);
			break;
		}
	}
	return rc;
}

enum rc kube_auth_get(struct kube_auth *auth, const struct kube_auth_wait *wait,
		      const struct kube_credentials **ret_credentials, struct error *err)
{
	enum rc rc = RC_OK;

	pthread_mutex_lock(&auth->lock);
	renew_files(auth);
	if (auth->has_plugin)
		rc = renew_plugin(auth, wait, err);
	if (!rc && (auth->stale || !auth->current))
		rc = rebuild(auth, err);
	if (!rc)
		*ret_credentials = kube_snapshot_ref(auth->current);
	pthread_mutex_unlock(&auth->lock);
	return rc;
}

void kube_auth_reject(struct kube_auth *auth, const struct kube_credentials *credentials)
{
	pthread_mutex_lock(&auth->lock);
	if (auth->current == credentials) {
		auth->rejected = true;
		auth->plugin.rejected = true;
	}
	pthread_mutex_unlock(&auth->lock);
}
