#include "common/kube/kubeconfig_fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/strutil.h"
#include "common/http/http_proxy.h"
#include "common/services/log.h"
#include "common/services/secret.h"

/* ---- URLs -------------------------------------------------------------------------------------------------------- */

/* Only printable characters without white space. */
static bool is_one_word(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7F)
			return false;
	return true;
}

/* "host", "host:6443", "[::1]:6443", without a user: the authority of a URL. */
static bool is_authority(const char *text, size_t len)
{
	const char *colon = memrchr(text, ':', len);
	const char *bracket = memrchr(text, ']', len);
	size_t host_len = len;

	if (memchr(text, '@', len))
		return false;
	if (colon && (!bracket || colon > bracket)) {
		size_t digits = strspn(colon + 1, "0123456789");
		int64_t port = 0;
		char number[8] = { 0 };

		if (digits == 0 || digits > 5 || colon + 1 + digits != text + len)
			return false;
		memcpy(number, colon + 1, digits);
		if (!str_parse_int64(number, &port) || port < 1 || port > 65535)
			return false;
		host_len = (size_t)(colon - text);
	}
	if (text[0] == '[')
		return bracket == text + host_len - 1 && host_len > 3;
	return host_len > 0 && !memchr(text, ':', host_len);
}

/*
 * Normalise the server URL: scheme in lower case, no query and no fragment, no trailing slash. "host:6443" is http,
 * even with TLS settings, as in kubectl.
 */
static enum rc check_server(struct kubeconfig *config, struct error *err)
{
	const char *server = config->server;
	const char *colon = server ? strstr(server, "://") : NULL;
	const char *rest = colon ? colon + 3 : server;
	bool tls = server && strncasecmp(server, "https://", 8) == 0;
	char *url = NULL;
	size_t len;

	if (!server)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: server is missing", config->cluster_place);
	if (colon && !tls && strncasecmp(server, "http://", 7) != 0)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: server must begin with https:// or http://",
				 config->cluster_place);
	len = strcspn(rest, "?#");
	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (!is_one_word(server) || strchr(rest, '\\') || !is_authority(rest, strcspn(rest, "/?#")) ||
	    (!colon && memchr(rest, '/', len)))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "%s: server must be a URL like https://host:6443 with at most a path after it",
				 config->cluster_place);
	if (asprintf(&url, "%s://%.*s", tls ? "https" : "http", (int)len, rest) < 0)
		return error_no_memory(err);
	free(config->server);
	config->server = url;
	return RC_OK;
}

static enum rc check_server_name(const struct kubeconfig *config, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	if (config->server_name && config->server_name[strspn(config->server_name, allowed)])
		return error_set(err, RC_INVALID_ARGUMENT, "%s: tls-server-name is not a host name",
				 config->cluster_place);
	return RC_OK;
}

/* The URL may contain a password, so messages do not show it. */
static enum rc check_proxy(struct kubeconfig *config, struct error *err)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
	struct buf proxy cleanup_buf = buf_make(HTTP_PROXY_MAX * 2);
	bool known = false;

	if (!config->proxy_url)
		return RC_OK;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		known = known || strncasecmp(config->proxy_url, schemes[i], strlen(schemes[i])) == 0;
	if (!known || !http_proxy_format(config->proxy_url, &proxy))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "%s: proxy-url must be a URL that begins with http://, https:// or socks5://",
				 config->cluster_place);
	config->proxy = buf_take(&proxy, NULL);
	return config->proxy ? RC_OK : error_no_memory(err);
}

/* ---- combinations ------------------------------------------------------------------------------------------------ */

static enum rc check_cluster(struct kubeconfig *config, struct error *err)
{
	enum rc rc = check_server(config, err);

	if (!rc)
		rc = check_server_name(config, err);
	if (!rc)
		rc = check_proxy(config, err);
	if (!rc && config->insecure && (config->ca_file || config->ca_data))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "%s: insecure-skip-tls-verify and certificate-authority exclude each other",
				 config->cluster_place);
	return rc;
}

/* A value with a line break would inject headers. */
static bool is_header_value(const char *text)
{
	for (; text && *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F)
			return false;
	return true;
}

static enum rc check_header_values(const struct kubeconfig *config, struct error *err)
{
	const struct {
		const char *name;
		const char *value;
	} rows[] = {
		{ "token", config->token }, { "username", config->username }, { "password", config->password },
		{ "as", config->as },       { "as-uid", config->as_uid },
	};
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!is_header_value(rows[i].value))
			wrong = rows[i].name;
	for (size_t i = 0; i < config->as_groups.count; i++)
		if (!is_header_value(config->as_groups.items[i]))
			wrong = "as-groups";
	for (size_t i = 0; i < config->as_extra.count; i++)
		if (!is_header_value(config->as_extra.items[i].value))
			wrong = "as-user-extra";
	if (wrong)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: %s contains a line break or another control character",
				 config->user_place, wrong);
	return RC_OK;
}

/* A rule; `broken` if violated. */
struct rule {
	bool broken;
	const char *text;
};

static enum rc check_rules(const char *place, const struct rule *rules, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].broken)
			return error_set(err, RC_INVALID_ARGUMENT, "%s: %s", place, rules[i].text);
	return RC_OK;
}

static enum rc check_user(const struct kubeconfig *config, struct error *err)
{
	bool has_cert = config->cert_file || config->cert_data;
	bool has_key = config->key_file || config->key_data;
	bool has_basic = config->username || config->password;
	const struct rule rules[] = {
		{ has_cert && !has_key, "client-certificate is set, but client-key is missing" },
		{ has_basic && (config->token || config->token_file), "token and username exclude each other" },
		{ !config->as && (config->as_uid || config->as_groups.count || config->as_extra.count),
		  "as-uid, as-groups and as-user-extra require as" },
	};
	enum rc rc = check_rules(config->user_place, rules, ARRAY_LEN(rules), err);

	return rc ? rc : check_header_values(config, err);
}

static const char *const exec_versions[] = {
	"client.authentication.k8s.io/v1",
	"client.authentication.k8s.io/v1beta1",
};

static bool is_exec_version(const char *version)
{
	for (size_t i = 0; i < ARRAY_LEN(exec_versions); i++)
		if (str_equal(version, exec_versions[i]))
			return true;
	return false;
}

static enum rc check_exec(const struct kubeconfig *config, struct error *err)
{
	const struct kubeconfig_exec *exec = &config->exec;
	const char *mode = exec->interactive_mode;
	const struct rule rules[] = {
		{ !exec->api_version, "exec.apiVersion is missing" },
		{ !is_exec_version(exec->api_version),
		  "exec.apiVersion must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1" },
		{ str_equal(mode, "Always"), "exec.interactiveMode Always: this program has no terminal" },
		{ mode && !str_equal(mode, "Always") && !str_equal(mode, "Never") && !str_equal(mode, "IfAvailable"),
		  "exec.interactiveMode must be Never or IfAvailable" },
	};

	return exec->command ? check_rules(config->user_place, rules, ARRAY_LEN(rules), err) : RC_OK;
}

/*
 * Credentials must not be sent in plain text. As in client-go (clientcmd, DirectClientConfig.ClientConfig): only
 * impersonation is kept.
 */
static void drop_credentials(struct kubeconfig *config)
{
	char **const texts[] = {
		&config->token,     &config->token_file, &config->username, &config->password,     &config->cert_file,
		&config->cert_data, &config->key_file,   &config->key_data, &config->exec.command,
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		any = any || *texts[i];
		secret_free(TAKE(*texts[i]));
	}
	if (any)
		log_warn("kubeconfig: without TLS no credentials are sent", log_str("user", config->user_place));
}

enum rc kubeconfig_check(struct kubeconfig *config, struct error *err)
{
	enum rc rc = check_cluster(config, err);

	if (!rc)
		rc = check_user(config, err);
	if (!rc)
		rc = check_exec(config, err);
	if (!rc && !str_has_prefix(config->server, "https:"))
		drop_credentials(config);
	return rc;
}
