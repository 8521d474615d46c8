#include "common/kube/kubeconfig_fields.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "common/services/secret.h"

#define EXEC_EXTENSION "client.authentication.k8s.io/exec" /* the cluster's extension for plugins */
#define NAME_MAX_BYTES 160                                 /* of a member's path in messages, "exec.env[3].value" */
#define EXEC_CONFIG_MAX (1024u * 1024)

struct field;
typedef enum rc read_value(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			   struct error *err);

/* A member: its parser, and its place in struct kubeconfig. */
struct field {
	const char *name;
	read_value *read;
	size_t offset;
};

const char *kubeconfig_kind_of(const cJSON *value)
{
	if (cJSON_IsString(value))
		return "a string";
	if (cJSON_IsBool(value))
		return "true or false";
	if (cJSON_IsNumber(value))
		return "a number";
	if (cJSON_IsObject(value))
		return "a mapping";
	if (cJSON_IsArray(value))
		return "a list";
	return "empty";
}

static enum rc wrong_kind(const struct kubeconfig_place *place, const char *name, const char *wanted,
			  const cJSON *value, struct error *err)
{
	bool unquoted = str_equal(wanted, "a string") && (cJSON_IsNumber(value) || cJSON_IsBool(value));

	return error_set(err, RC_INVALID_ARGUMENT, "%s: %s must be %s, but it is %s%s", place->text, name, wanted,
			 kubeconfig_kind_of(value), unquoted ? " (quote it)" : "");
}

/* ---- types of values --------------------------------------------------------------------------------------------- */

/* A copy of the string; unchanged (NULL) if empty. */
static enum rc read_string(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			   struct error *err)
{
	char **text = target;

	if (!cJSON_IsString(value))
		return wrong_kind(place, name, "a string", value, err);
	if (value->valuestring[0] == '\0')
		return RC_OK;
	*text = str_dup(value->valuestring);
	return *text ? RC_OK : error_no_memory(err);
}

static enum rc join(const char *folder, char **path, struct error *err)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s", folder, *path) < 0)
		return error_no_memory(err);
	free(*path);
	*path = joined;
	return RC_OK;
}

/* A path, relative to the directory of its file. */
static enum rc read_path(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			 struct error *err)
{
	char **path = target;
	enum rc rc = read_string(place, name, value, target, err);

	return rc || !*path || (*path)[0] == '/' ? rc : join(place->folder, path, err);
}

/* A command: a path only if it has a slash. */
static enum rc read_command(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			    struct error *err)
{
	bool is_path = cJSON_IsString(value) && strchr(value->valuestring, '/');

	return (is_path ? read_path : read_string)(place, name, value, target, err);
}

static enum rc read_flag(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			 struct error *err)
{
	bool *flag = target;

	if (!cJSON_IsBool(value))
		return wrong_kind(place, name, "true or false", value, err);
	*flag = cJSON_IsTrue(value);
	return RC_OK;
}

static enum rc read_base64(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			   struct error *err)
{
	char **text = target;
	struct buf plain cleanup_buf = buf_make(SECRET_FILE_MAX);
	size_t len;

	if (!cJSON_IsString(value))
		return wrong_kind(place, name, "a string", value, err);
	len = strlen(value->valuestring);
	buf_add(&plain, value->valuestring, len); /* allocated once: growing would leave copies of secrets */
	if (plain.failed)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: %s is too large", place->text, name);
	explicit_bzero(plain.data, plain.len);
	buf_reset(&plain);
	if (!crypto_base64_decode(CRYPTO_BASE64_STANDARD, value->valuestring, len, &plain))
		return error_set(err, RC_INVALID_ARGUMENT, "%s: %s is not base64%s", place->text, name,
				 strstr(value->valuestring, "-----BEGIN") ? " (it is unencoded PEM)" : "");
	if (plain.len == 0)
		return RC_OK;
	if (strlen(plain.data) != plain.len) {
		explicit_bzero(plain.data, plain.len);
		return error_set(err, RC_INVALID_ARGUMENT, "%s: %s contains binary data, not PEM", place->text, name);
	}
	*text = buf_take(&plain, NULL);
	return *text ? RC_OK : error_no_memory(err);
}

static enum rc read_list(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			 struct error *err)
{
	struct kubeconfig_list *list = target;
	const cJSON *item = NULL;

	if (!cJSON_IsArray(value))
		return wrong_kind(place, name, "a list of strings", value, err);
	list->items = calloc((size_t)cJSON_GetArraySize(value) + 1, sizeof(*list->items));
	if (!list->items)
		return error_no_memory(err);
	cJSON_ArrayForEach (item, value) {
		if (!cJSON_IsString(item)) {
			char item_name[NAME_MAX_BYTES];

			snprintf(item_name, sizeof(item_name), "%s[%zu]", name, list->count);
			return wrong_kind(place, item_name, "a string", item, err);
		}
		list->items[list->count] = str_dup(item->valuestring);
		if (!list->items[list->count])
			return error_no_memory(err);
		list->count++;
	}
	return RC_OK;
}

/* Reserve `count` more pairs. */
static bool pairs_grow(struct kubeconfig_pairs *pairs, size_t count)
{
	struct kubeconfig_pair *items = realloc(pairs->items, (pairs->count + count + 1) * sizeof(*items));

	if (!items)
		return false;
	pairs->items = items;
	return true;
}

static enum rc pairs_add(struct kubeconfig_pairs *pairs, const char *name, const char *value, struct error *err)
{
	struct kubeconfig_pair *pair = &pairs->items[pairs->count++];

	*pair = (struct kubeconfig_pair){ .name = str_dup(name), .value = str_dup(value) };
	return pair->name && pair->value ? RC_OK : error_no_memory(err);
}

/* [{name: A, value: b}, ...] */
static enum rc read_env(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			struct error *err)
{
	struct kubeconfig_pairs *pairs = target;
	const cJSON *item = NULL;
	enum rc rc = RC_OK;

	if (!cJSON_IsArray(value))
		return wrong_kind(place, name, "a list of name and value", value, err);
	if (!pairs_grow(pairs, (size_t)cJSON_GetArraySize(value)))
		return error_no_memory(err);
	cJSON_ArrayForEach (item, value) {
		const char *variable = json_string_at(item, "name");
		const char *text = json_string_at(item, "value");
		const cJSON *given = json_get(item, "value");

		if (!variable || variable[0] == '\0' || strchr(variable, '='))
			return error_set(err, RC_INVALID_ARGUMENT, "%s: %s[%zu] needs a name without '='", place->text,
					 name, pairs->count);
		if (given && !text && !cJSON_IsNull(given))
			return error_set(err, RC_INVALID_ARGUMENT, "%s: the value of %s[%zu] must be a string",
					 place->text, name, pairs->count);
		rc = pairs_add(pairs, variable, text ? text : "", err);
		if (rc)
			return rc;
	}
	return rc;
}

/* {key: [value, ...], ...}: one pair per value. */
static enum rc read_extra(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			  struct error *err)
{
	struct kubeconfig_pairs *pairs = target;
	const cJSON *member = NULL;
	enum rc rc = RC_OK;

	if (!cJSON_IsObject(value))
		return wrong_kind(place, name, "a mapping to lists of strings", value, err);
	cJSON_ArrayForEach (member, value) {
		const cJSON *item = NULL;

		if (cJSON_IsNull(member))
			continue;
		if (!cJSON_IsArray(member))
			return wrong_kind(place, name, "a mapping to lists of strings", member, err);
		if (!pairs_grow(pairs, (size_t)cJSON_GetArraySize(member)))
			return error_no_memory(err);
		cJSON_ArrayForEach (item, member) {
			if (!cJSON_IsString(item))
				return wrong_kind(place, name, "a mapping to lists of strings", item, err);
			rc = pairs_add(pairs, member->string, item->valuestring, err);
			if (rc)
				return rc;
		}
	}
	return rc;
}

static enum rc read_extensions(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			       struct error *err)
{
	char **json = target;
	const cJSON *item = NULL;

	if (!cJSON_IsArray(value))
		return wrong_kind(place, name, "a list", value, err);
	cJSON_ArrayForEach (item, value) {
		struct buf text cleanup_buf = buf_make(EXEC_CONFIG_MAX);
		struct json_writer writer = json_writer_make(&text);
		enum rc rc;

		if (!str_equal(json_string_at(item, "name"), EXEC_EXTENSION) || *json)
			continue;
		json_tree(&writer, NULL, json_get(item, "extension"));
		rc = buf_check(&text, err);
		if (rc)
			return rc;
		*json = text.len ? buf_take(&text, NULL) : NULL;
	}
	return RC_OK;
}

static enum rc refuse_auth_provider(const struct kubeconfig_place *place, const char *name, const cJSON *value,
				    void *target unused, struct error *err)
{
	const char *provider = json_string_at(value, "name");

	return error_set(
		err, RC_INVALID_ARGUMENT,
		"%s: %s '%.60s' is not supported: Kubernetes removed these providers in 1.26; use an exec plugin",
		place->text, name, provider ? provider : "?");
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

static enum rc read_exec(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			 struct error *err);

#define AT(member) offsetof(struct kubeconfig, member)
#define EXEC_AT(member) offsetof(struct kubeconfig_exec, member)

/* clang-format off */
static const struct field cluster_fields[] = {
	{ "server",                     read_string,     AT(server) },
	{ "tls-server-name",            read_string,     AT(server_name) },
	{ "insecure-skip-tls-verify",   read_flag,       AT(insecure) },
	{ "certificate-authority",      read_path,       AT(ca_file) },
	{ "certificate-authority-data", read_base64,     AT(ca_data) },
	{ "proxy-url",                  read_string,     AT(proxy_url) },
	{ "disable-compression",        read_flag,       AT(disable_compression) },
	{ "extensions",                 read_extensions, AT(exec_config) },
};

static const struct field user_fields[] = {
	{ "client-certificate",      read_path,            AT(cert_file) },
	{ "client-certificate-data", read_base64,          AT(cert_data) },
	{ "client-key",              read_path,            AT(key_file) },
	{ "client-key-data",         read_base64,          AT(key_data) },
	{ "token",                   read_string,          AT(token) },
	{ "tokenFile",               read_path,            AT(token_file) },
	{ "username",                read_string,          AT(username) },
	{ "password",                read_string,          AT(password) },
	{ "as",                      read_string,          AT(as) },
	{ "as-uid",                  read_string,          AT(as_uid) },
	{ "as-groups",               read_list,            AT(as_groups) },
	{ "as-user-extra",           read_extra,           AT(as_extra) },
	{ "auth-provider",           refuse_auth_provider, 0 },
	{ "exec",                    read_exec,            AT(exec) },
};

static const struct field exec_fields[] = {
	{ "command",            read_command, EXEC_AT(command) },
	{ "args",               read_list,    EXEC_AT(args) },
	{ "env",                read_env,     EXEC_AT(env) },
	{ "apiVersion",         read_string,  EXEC_AT(api_version) },
	{ "installHint",        read_string,  EXEC_AT(install_hint) },
	{ "provideClusterInfo", read_flag,    EXEC_AT(provide_cluster_info) },
	{ "interactiveMode",    read_string,  EXEC_AT(interactive_mode) },
};
/* clang-format on */

static enum rc read_fields(const struct kubeconfig_place *place, const char *prefix, const struct field *fields,
			   size_t count, const cJSON *mapping, void *target, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const cJSON *value = json_get(mapping, fields[i].name);
		char name[NAME_MAX_BYTES];
		enum rc rc;

		if (!value || cJSON_IsNull(value))
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix, fields[i].name);
		rc = fields[i].read(place, name, value, (char *)target + fields[i].offset, err);
		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum rc read_exec(const struct kubeconfig_place *place, const char *name, const cJSON *value, void *target,
			 struct error *err)
{
	struct kubeconfig_exec *exec = target;
	enum rc rc;

	if (!cJSON_IsObject(value))
		return wrong_kind(place, name, "a mapping", value, err);
	rc = read_fields(place, "exec.", exec_fields, ARRAY_LEN(exec_fields), value, exec, err);
	if (!rc && !exec->command)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: exec.command is missing", place->text);
	return rc;
}

/* Inline data takes precedence over files. */
static void prefer_data(char *const *data, char **file)
{
	if (*data)
		free(TAKE(*file));
}

enum rc kubeconfig_read_cluster(const struct kubeconfig_place *place, const cJSON *cluster, struct kubeconfig *config,
				struct error *err)
{
	enum rc rc;

	config->cluster_place = str_dup(place->text);
	if (!config->cluster_place)
		return error_no_memory(err);
	if (cluster && !cJSON_IsObject(cluster) && !cJSON_IsNull(cluster))
		return wrong_kind(place, "cluster", "a mapping", cluster, err);
	rc = read_fields(place, "", cluster_fields, ARRAY_LEN(cluster_fields), cluster, config, err);
	prefer_data(&config->ca_data, &config->ca_file);
	return rc;
}

enum rc kubeconfig_read_user(const struct kubeconfig_place *place, const cJSON *user, struct kubeconfig *config,
			     struct error *err)
{
	enum rc rc;

	config->user_place = str_dup(place->text);
	if (!config->user_place)
		return error_no_memory(err);
	if (user && !cJSON_IsObject(user) && !cJSON_IsNull(user))
		return wrong_kind(place, "user", "a mapping", user, err);
	rc = read_fields(place, "", user_fields, ARRAY_LEN(user_fields), user, config, err);
	prefer_data(&config->cert_data, &config->cert_file);
	prefer_data(&config->key_data, &config->key_file);
	return rc;
}
