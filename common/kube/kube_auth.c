#include "common/kube/kube_auth.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/in_cluster.h"
#include "common/kube/kube_headers.h"
#include "common/kube/kube_secrets.h"
#include "common/kube/kube_snapshot.h"

#define FILES_CHECK_MS 1000 /* how often files are looked at; a look is a stat() each */

struct kube_auth {
	struct kubeconfig *config;      /* never changes */
	struct kubeconfig_list headers; /* never changes */

	pthread_mutex_t lock; /* for everything below */
	struct kube_secrets secrets;
	int64_t checked_ms;                     /* when the files were looked at */
	const struct kube_credentials *current; /* a reference; NULL: none yet */
	bool rejected;                          /* the server did not like the current ones */
};

enum rc kube_auth_create(const char *kubeconfig, struct kube_auth **ret_auth, struct error *err)
{
	struct kube_auth *auth = calloc(1, sizeof(*auth));
	enum rc rc;

	if (!auth)
		return error_no_memory(err);
	pthread_mutex_init(&auth->lock, NULL);
	rc = kubeconfig && kubeconfig[0] != '\0' ? kubeconfig_load(kubeconfig, &auth->config, err)
						 : in_cluster_load(&auth->config, err);
	if (!rc)
		rc = kube_headers_compose(auth->config, &auth->headers, err);
	if (!rc)
		rc = kube_secrets_init(&auth->secrets, auth->config, err);
	if (rc) {
		kube_auth_destroy(auth);
		return rc;
	}
	auth->checked_ms = clock_mono_ms();
	*ret_auth = auth;
	return RC_OK;
}

void kube_auth_destroy(struct kube_auth *auth)
{
	if (!auth)
		return;
	kube_credentials_release(auth->current);
	kube_secrets_clear(&auth->secrets);
	kube_headers_clear(&auth->headers);
	kubeconfig_destroy(auth->config);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}

/* Make new credentials of what we have now. */
static enum rc rebuild(struct kube_auth *auth, struct error *err)
{
	const struct kubeconfig *config = auth->config;
	struct kube_snapshot_parts parts = {
		.server = config->server,
		.headers = &auth->headers,
		.token = auth->secrets.token.text,
		.identity = {
			.ca_pem = auth->secrets.ca.text,
			.cert_pem = auth->secrets.cert.text,
			.key_pem = auth->secrets.key.text,
			.insecure = config->insecure,
			.server_name = str_has_prefix(config->server, "https:") ? config->server_name : NULL,
			.proxy = config->proxy,
		},
	};
	const struct kube_credentials *made;

	if (auth->secrets.token.path && !parts.token)
		return error_set(err, RC_UNAVAILABLE, "%s: tokenFile %s could never be read", config->user_place,
				 auth->secrets.token.path);
	made = kube_snapshot_make(&parts);
	if (!made)
		return error_no_memory(err);
	kube_credentials_release(auth->current);
	auth->current = made;
	return RC_OK;
}

/* Look at the files when it is time to. Returns whether something changed. */
static bool renew_files(struct kube_auth *auth)
{
	int64_t now = clock_mono_ms();

	if (!auth->rejected && now - auth->checked_ms < FILES_CHECK_MS)
		return false;
	auth->checked_ms = now;
	return kube_secrets_renew(&auth->secrets, auth->rejected);
}

enum rc kube_auth_get(struct kube_auth *auth, const struct kube_credentials **ret_credentials, struct error *err)
{
	enum rc rc = RC_OK;
	bool changed;

	pthread_mutex_lock(&auth->lock);
	changed = renew_files(auth);
	auth->rejected = false;
	if (changed || !auth->current)
		rc = rebuild(auth, err);
	if (!rc)
		*ret_credentials = kube_snapshot_ref(auth->current);
	pthread_mutex_unlock(&auth->lock);
	return rc;
}

void kube_auth_reject(struct kube_auth *auth, const struct kube_credentials *credentials)
{
	pthread_mutex_lock(&auth->lock);
	if (auth->current == credentials)
		auth->rejected = true;
	pthread_mutex_unlock(&auth->lock);
}
