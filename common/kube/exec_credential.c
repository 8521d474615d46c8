#include "common/kube/exec_credential.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/adapters/pem.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "common/services/secret.h"

#define RENEW_LEAD_MAX_MS 30000 /* before expiry, at most; and at most a tenth of the lifetime */
#define PAUSE_MS 1000           /* minimum interval of runs */
#define PAUSE_SAME_MS 10000     /* after a run that returned the rejected credentials again */

void exec_credential_clear(struct exec_credential *credential)
{
	secret_free(credential->token);
	secret_free(credential->cert);
	secret_free(credential->key);
	*credential = (struct exec_credential){ 0 };
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

static void add_cluster(const struct kubeconfig *config, const char *ca_pem, struct json_writer *w)
{
	json_begin_object(w, "cluster");
	json_string(w, "server", config->server);
	json_optional_string(w, "tls-server-name", config->server_name);
	if (config->insecure)
		json_bool(w, "insecure-skip-tls-verify", true);
	if (ca_pem) {
		struct buf text cleanup_buf = buf_make(SECRET_FILE_MAX * 2);

		crypto_base64_encode(CRYPTO_BASE64_STANDARD, ca_pem, strlen(ca_pem), &text);
		json_string(w, "certificate-authority-data", text.data);
	}
	json_optional_string(w, "proxy-url", config->proxy_url);
	if (config->disable_compression)
		json_bool(w, "disable-compression", true);
	if (config->exec_config)
		json_raw(w, "config", config->exec_config, strlen(config->exec_config));
	json_end_object(w);
}

void exec_credential_add_info(const struct kubeconfig *config, const char *ca_pem, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "apiVersion", config->exec.api_version);
	json_string(&w, "kind", "ExecCredential");
	json_begin_object(&w, "spec");
	if (config->exec.provide_cluster_info)
		add_cluster(config, ca_pem, &w);
	json_bool(&w, "interactive", false);
	json_end_object(&w);
	json_end_object(&w);
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

/* A copy of the string member; unchanged (NULL) if it is missing, null or empty. */
static enum rc copy(const cJSON *status, const char *name, char **ret_text, struct error *err)
{
	const cJSON *value = json_get(status, name);

	if (!value || cJSON_IsNull(value) || (cJSON_IsString(value) && value->valuestring[0] == '\0'))
		return RC_OK;
	if (!cJSON_IsString(value))
		return error_set(err, RC_INVALID_ARGUMENT, "its status.%s is not a string", name);
	*ret_text = str_dup(value->valuestring);
	return *ret_text ? RC_OK : error_no_memory(err);
}

static enum rc read_expiry(const cJSON *status, int64_t *ret_ms, struct error *err)
{
	cleanup_free char *text = NULL;
	enum rc rc = copy(status, "expirationTimestamp", &text, err);

	if (rc || !text)
		return rc;
	if (!clock_parse_rfc3339(text, ret_ms))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "its status.expirationTimestamp is not a time like 2006-01-02T15:04:05Z");
	return RC_OK;
}

static enum rc read_status(const cJSON *status, struct exec_credential *c, struct error *err)
{
	enum rc rc;

	rc = copy(status, "token", &c->token, err);
	if (!rc)
		rc = copy(status, "clientCertificateData", &c->cert, err);
	if (!rc)
		rc = copy(status, "clientKeyData", &c->key, err);
	if (!rc)
		rc = read_expiry(status, &c->expires_ms, err);
	return rc;
}

static enum rc check_status(const struct exec_credential *c, struct error *err)
{
	enum rc rc;

	if (!c->token && !c->cert && !c->key)
		return error_set(err, RC_INVALID_ARGUMENT, "its output has neither a token nor a certificate");
	if (!c->cert != !c->key)
		return error_set(err, RC_INVALID_ARGUMENT, "its output has a client %s without its %s",
				 c->cert ? "certificate" : "key", c->cert ? "key" : "certificate");
	for (const char *at = c->token; at && *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7F)
			return error_set(err, RC_INVALID_ARGUMENT, "its token contains white space");
	if (!c->cert)
		return RC_OK;
	rc = pem_check_certificates(c->cert, err);
	if (!rc)
		rc = pem_check_pair(c->cert, c->key, err);
	return rc ? error_wrap(err, rc, "its client certificate") : RC_OK;
}

static enum rc check_version(const cJSON *tree, const char *api_version, struct error *err)
{
	const char *kind = json_string_at(tree, "kind");
	const char *version = json_string_at(tree, "apiVersion");

	if (!str_equal(kind, "ExecCredential"))
		return error_set(err, RC_INVALID_ARGUMENT, "its output is not an ExecCredential");
	if (!str_equal(version, api_version))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "its output has API version %.60s, but the kubeconfig requires %s",
				 version ? version : "(none)", api_version);
	if (!cJSON_IsObject(json_get(tree, "status")))
		return error_set(err, RC_INVALID_ARGUMENT, "its output has no status");
	return RC_OK;
}

enum rc exec_credential_parse(const char *text, size_t len, const char *api_version,
			      struct exec_credential *ret_credential, struct error *err)
{
	struct exec_credential c cleanup_with(exec_credential_clear) = { 0 };
	cleanup_secret_tree cJSON *tree = NULL;
	enum rc rc;

	rc = json_parse(text, len, &tree, err);
	if (rc)
		return error_wrap(err, rc, "its output is not JSON");
	rc = check_version(tree, api_version, err);
	if (!rc)
		rc = read_status(json_get(tree, "status"), &c, err);
	if (!rc)
		rc = check_status(&c, err);
	if (rc)
		return rc;
	*ret_credential = c;
	c = (struct exec_credential){ 0 };
	return RC_OK;
}

/* ---- when to run the plugin -------------------------------------------------------------------------------------- */

enum exec_verdict exec_cache_decide(const struct exec_cache *cache, int64_t wall_ms, int64_t mono_ms)
{
	int64_t expires_ms = cache->credential.expires_ms;
	bool usable = cache->filled && !cache->rejected && (expires_ms == 0 || wall_ms < expires_ms);
	bool is_due = !cache->filled || cache->rejected || (cache->renew_ms != 0 && wall_ms >= cache->renew_ms);

	if (!is_due)
		return EXEC_USE;
	if (mono_ms < cache->pause_until_ms)
		return cache->failed && !usable ? EXEC_FAIL : EXEC_USE;
	return usable ? EXEC_RENEW : EXEC_RUN;
}

static bool is_same(const struct exec_credential *a, const struct exec_credential *b)
{
	return str_equal(a->token, b->token) && str_equal(a->cert, b->cert) && str_equal(a->key, b->key);
}

/* The renewal time, shortly before expiry. */
static int64_t renew_time(int64_t expires_ms, int64_t wall_ms)
{
	int64_t lead = expires_ms > wall_ms ? (expires_ms - wall_ms) / 10 : 0;

	if (expires_ms == 0)
		return 0;
	return expires_ms - (lead < RENEW_LEAD_MAX_MS ? lead : RENEW_LEAD_MAX_MS);
}

bool exec_cache_take(struct exec_cache *cache, struct exec_credential *credential, int64_t wall_ms, int64_t mono_ms)
{
	bool changed = !is_same(&cache->credential, credential);

	cache->pause_until_ms = mono_ms + (cache->rejected && !changed ? PAUSE_SAME_MS : PAUSE_MS);
	exec_credential_clear(&cache->credential);
	cache->credential = *credential;
	*credential = (struct exec_credential){ 0 };
	cache->filled = true;
	cache->rejected = false;
	cache->failed = false;
	cache->renew_ms = renew_time(cache->credential.expires_ms, wall_ms);
	return changed;
}

void exec_cache_fail(struct exec_cache *cache, const struct error *failure, int64_t mono_ms)
{
	cache->failed = true;
	cache->failure = *failure;
	cache->pause_until_ms = mono_ms + PAUSE_MS;
}
