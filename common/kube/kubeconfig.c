#include "common/kube/kubeconfig.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kubeconfig_fields.h"
#include "common/services/log.h"
#include "common/services/secret.h"
#include "common/services/yaml.h"

#define FILE_MAX_BYTES YAML_TEXT_MAX
#define NAMES_TEXT_MAX 160 /* bytes of the list of names in a message */

/* ---- freeing ----------------------------------------------------------------------------------------------------- */

static void list_free(struct kubeconfig_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		secret_free(list->items[i]);
	free(list->items);
}

static void pairs_free(struct kubeconfig_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].name);
		secret_free(pairs->items[i].value);
	}
	free(pairs->items);
}

void kubeconfig_destroy(struct kubeconfig *config)
{
	if (!config)
		return;

	char *const texts[] = {
		config->cluster_place,
		config->user_place,
		config->server,
		config->server_name,
		config->proxy_url,
		config->proxy,
		config->ca_file,
		config->ca_data,
		config->exec_config,
		config->cert_file,
		config->cert_data,
		config->key_file,
		config->key_data,
		config->token,
		config->token_file,
		config->username,
		config->password,
		config->as,
		config->as_uid,
		config->exec.command,
		config->exec.api_version,
		config->exec.install_hint,
		config->exec.interactive_mode,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		secret_free(texts[i]);
	list_free(&config->as_groups);
	list_free(&config->exec.args);
	pairs_free(&config->as_extra);
	pairs_free(&config->exec.env);
	free(config);
}

static void config_destroy_at(struct kubeconfig **config)
{
	kubeconfig_destroy(*config);
}

/* ---- files as trees ---------------------------------------------------------------------------------------------- */

/* The tree of one file. */
struct source {
	const char *path;
	cJSON *tree;
	char folder[4096]; /* with a trailing slash, or empty */
};

static enum rc set_folder(struct source *source, struct error *err)
{
	const char *slash = strrchr(source->path, '/');
	size_t len = slash ? (size_t)(slash - source->path) + 1 : 0;

	if (len >= sizeof(source->folder))
		return error_set(err, RC_INVALID_ARGUMENT, "the path of a kubeconfig is too long");
	memcpy(source->folder, source->path, len);
	source->folder[len] = '\0';
	return RC_OK;
}

/* The lists of a kubeconfig and their items. */
struct list_kind {
	const char *list; /* "clusters" */
	const char *item; /* "cluster" */
};

static const struct list_kind list_kinds[] = { { "clusters", "cluster" },
					       { "users", "user" },
					       { "contexts", "context" } };
#define CLUSTERS (&list_kinds[0])
#define USERS (&list_kinds[1])
#define CONTEXTS (&list_kinds[2])

/* As in kubectl, an item without a name has the name "". NULL: the name is not a string, or the item not a mapping. */
static const char *name_of(const cJSON *item)
{
	const cJSON *name = json_get(item, "name");

	if (!cJSON_IsObject(item) && !cJSON_IsNull(item))
		return NULL;
	return name && !cJSON_IsNull(name) ? cJSON_GetStringValue(name) : "";
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, to avoid quadratic time. */
static enum rc check_names(const struct source *source, const struct list_kind *kind, const cJSON *list,
			   struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(list);
	cleanup_free const char **names = calloc(count ? count : 1, sizeof(*names));
	const cJSON *item = NULL;

	if (!names)
		return error_no_memory(err);
	count = 0;
	cJSON_ArrayForEach (item, list) {
		names[count] = name_of(item);
		if (!names[count])
			return error_set(err, RC_INVALID_ARGUMENT, "%s: %s[%zu] needs a name that is a string",
					 source->path, kind->list, count);
		count++;
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return error_set(err, RC_INVALID_ARGUMENT, "%s: duplicate %s '%.100s'", source->path,
					 kind->item, names[i]);
	return RC_OK;
}

static enum rc check_list(const struct source *source, const struct list_kind *kind, struct error *err)
{
	const cJSON *list = json_get(source->tree, kind->list);

	if (!list || cJSON_IsNull(list))
		return RC_OK;
	if (!cJSON_IsArray(list))
		return error_set(err, RC_INVALID_ARGUMENT, "%s: %s must be a list, but it is %s", source->path,
				 kind->list, kubeconfig_kind_of(list));
	return check_names(source, kind, list, err);
}

/* kubectl accepts missing, null and empty as the default. */
static bool is_or_defaults_to(const cJSON *value, const char *expected)
{
	const char *text = cJSON_GetStringValue(value);

	return !value || cJSON_IsNull(value) || (text && (text[0] == '\0' || strcmp(text, expected) == 0));
}

static enum rc check_header(const struct source *source, struct error *err)
{
	const cJSON *current = json_get(source->tree, "current-context");

	if (!cJSON_IsObject(source->tree) && !cJSON_IsNull(source->tree))
		return error_set(err, RC_INVALID_ARGUMENT, "%s is not a kubeconfig: it is %s, not a mapping",
				 source->path, kubeconfig_kind_of(source->tree));
	if (!is_or_defaults_to(json_get(source->tree, "kind"), "Config"))
		return error_set(err, RC_INVALID_ARGUMENT, "%s is not a kubeconfig: its kind must be Config",
				 source->path);
	if (!is_or_defaults_to(json_get(source->tree, "apiVersion"), "v1"))
		return error_set(err, RC_INVALID_ARGUMENT, "%s: its apiVersion must be v1", source->path);
	if (current && !cJSON_IsString(current) && !cJSON_IsNull(current))
		return error_set(err, RC_INVALID_ARGUMENT, "%s: current-context must be a string, but it is %s",
				 source->path, kubeconfig_kind_of(current));
	return RC_OK;
}

static enum rc read_source(const struct kubeconfig_text *text, struct source *source, struct error *err)
{
	enum rc rc;

	source->path = text->path;
	rc = yaml_parse(text->text, text->len, &source->tree, err);
	if (rc)
		return error_wrap(err, rc == RC_TOO_LARGE ? RC_INVALID_ARGUMENT : rc, "%s", text->path);
	rc = set_folder(source, err);
	if (!rc)
		rc = check_header(source, err);
	for (size_t i = 0; !rc && i < ARRAY_LEN(list_kinds); i++)
		rc = check_list(source, &list_kinds[i], err);
	return rc;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

struct sources {
	struct source *items;
	size_t count;
};

static void sources_free(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		secret_tree_free(sources->items[i].tree);
	free(sources->items);
}

/* An item of a list, and its file. */
struct found {
	const struct source *source;
	const cJSON *value;
};

/* The whole item of the first file that has the name. */
static bool find(const struct sources *sources, const struct list_kind *kind, const char *name, struct found *ret_found)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];
		const cJSON *item = NULL;

		cJSON_ArrayForEach (item, json_get(source->tree, kind->list)) {
			if (!str_equal(name_of(item), name))
				continue;
			*ret_found = (struct found){ .source = source, .value = json_get(item, kind->item) };
			return true;
		}
	}
	return false;
}

static void add_names(const struct sources *sources, const struct list_kind *kind, struct buf *out)
{
	for (size_t i = 0; i < sources->count; i++) {
		const cJSON *item = NULL;

		cJSON_ArrayForEach (item, json_get(sources->items[i].tree, kind->list)) {
			const char *name = name_of(item);

			if (out->len + strlen(name) + 4 > out->max)
				return;
			buf_addf(out, "%s'%s'", out->len ? ", " : "", name);
		}
	}
}

static void add_paths(const struct sources *sources, struct buf *out)
{
	for (size_t i = 0; i < sources->count && out->len + strlen(sources->items[i].path) + 2 <= out->max; i++)
		buf_addf(out, "%s%s", i ? ":" : "", sources->items[i].path);
}

/* "/a:/b: there is no cluster 'x'; there are: 'y'", for an unknown name. */
static enum rc not_there(const struct sources *sources, const struct list_kind *kind, const char *what,
			 struct error *err)
{
	struct buf names cleanup_buf = buf_make(NAMES_TEXT_MAX);
	struct buf paths cleanup_buf = buf_make(NAMES_TEXT_MAX);

	add_names(sources, kind, &names);
	add_paths(sources, &paths);
	return error_set(err, RC_INVALID_ARGUMENT, "%s: %s; existing %s: %s", paths.data, what, kind->list,
			 names.len ? names.data : "none");
}

static enum rc find_context(const struct sources *sources, const char **ret_name, struct found *ret_context,
			    struct error *err)
{
	const char *name = NULL;
	char what[256];

	for (size_t i = 0; i < sources->count && (!name || name[0] == '\0'); i++)
		name = json_string_at(sources->items[i].tree, "current-context");
	if (!name || name[0] == '\0')
		return not_there(sources, CONTEXTS, "current-context is not set (kubectl config use-context NAME)",
				 err);
	snprintf(what, sizeof(what), "current-context is '%.100s', but there is no such context", name);
	if (!find(sources, CONTEXTS, name, ret_context))
		return not_there(sources, CONTEXTS, what, err);
	*ret_name = name;
	return RC_OK;
}

/* The name of the cluster or user in the context; "": none. NULL: not a string. */
static const char *part_name(const struct found *context, const struct list_kind *kind)
{
	const cJSON *name = json_get(context->value, kind->item);

	return name && !cJSON_IsNull(name) ? cJSON_GetStringValue(name) : "";
}

static enum rc name_place(const struct source *source, const struct list_kind *kind, const char *name, char **ret_place,
			  struct error *err)
{
	return asprintf(ret_place, "%s: %s '%.100s'", source->path, kind->item, name) < 0 ? error_no_memory(err)
											  : RC_OK;
}

static enum rc find_cluster(const struct sources *sources, const char *context_name, const struct found *context,
			    struct found *ret_found, char **ret_place, struct error *err)
{
	const char *name = part_name(context, CLUSTERS);
	char what[300];

	if (!name || name[0] == '\0')
		return error_set(err, RC_INVALID_ARGUMENT, "%s: context '%.100s' has no cluster", context->source->path,
				 context_name);
	snprintf(what, sizeof(what), "context '%.100s' refers to the cluster '%.100s', which does not exist",
		 context_name, name);
	if (!find(sources, CLUSTERS, name, ret_found))
		return not_there(sources, CLUSTERS, what, err);
	return name_place(ret_found->source, CLUSTERS, name, ret_place, err);
}

/* A missing or unknown user means no credentials, as in kubectl. */
static enum rc find_user(const struct sources *sources, const char *context_name, const struct found *context,
			 struct found *ret_found, char **ret_place, struct error *err)
{
	const char *name = part_name(context, USERS);

	if (!name)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: the user of context '%.100s' must be a string",
				 context->source->path, context_name);
	*ret_found = (struct found){ .source = context->source };
	if (!find(sources, USERS, name, ret_found) && name[0])
		log_warn("kubeconfig: the user of the context does not exist; continuing without credentials",
			 log_str("context", context_name), log_str("user", name));
	return name_place(ret_found->source, USERS, name, ret_place, err);
}

static enum rc resolve(const struct sources *sources, struct kubeconfig *config, struct error *err)
{
	cleanup_free char *cluster_place = NULL;
	cleanup_free char *user_place = NULL;
	const char *name = NULL;
	struct found context = { 0 };
	struct found cluster = { 0 };
	struct found user = { 0 };
	struct kubeconfig_place place;
	enum rc rc;

	rc = find_context(sources, &name, &context, err);
	if (!rc)
		rc = find_cluster(sources, name, &context, &cluster, &cluster_place, err);
	if (!rc)
		rc = find_user(sources, name, &context, &user, &user_place, err);
	if (rc)
		return rc;
	place = (struct kubeconfig_place){ .text = cluster_place, .folder = cluster.source->folder };
	rc = kubeconfig_read_cluster(&place, cluster.value, config, err);
	if (rc)
		return rc;
	place = (struct kubeconfig_place){ .text = user_place, .folder = user.source->folder };
	rc = kubeconfig_read_user(&place, user.value, config, err);
	return rc ? rc : kubeconfig_check(config, err);
}

enum rc kubeconfig_parse(const struct kubeconfig_text *texts, size_t count, struct kubeconfig **ret_config,
			 struct error *err)
{
	struct sources sources cleanup_with(sources_free) = { .items = calloc(count + 1, sizeof(struct source)) };
	struct kubeconfig *config cleanup_with(config_destroy_at) = calloc(1, sizeof(*config));
	enum rc rc = RC_OK;

	if (!sources.items || !config)
		return error_no_memory(err);
	while (!rc && sources.count < count) {
		rc = read_source(&texts[sources.count], &sources.items[sources.count], err);
		sources.count++;
	}
	if (!rc)
		rc = resolve(&sources, config, err);
	if (!rc)
		*ret_config = TAKE(config);
	return rc;
}

/* ---- a list of paths --------------------------------------------------------------------------------------------- */

struct files {
	char *paths; /* the list, split into paths */
	struct kubeconfig_text texts[KUBECONFIG_FILES_MAX];
	size_t count;
};

static void files_free(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		explicit_bzero((char *)(uintptr_t)files->texts[i].text, files->texts[i].len);
		free((char *)(uintptr_t)files->texts[i].text);
	}
	free(files->paths);
}

/* Read one file. A missing file is skipped only if the list has several. */
static enum rc read_file(struct files *files, const char *path, bool alone, struct error *err)
{
	char *text = NULL;
	size_t len = 0;
	enum rc rc;

	if (files->count == KUBECONFIG_FILES_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "more than %d kubeconfig files", KUBECONFIG_FILES_MAX);
	rc = secret_file_read(path, FILE_MAX_BYTES, &text, &len, NULL, err);
	if (rc == RC_NOT_FOUND && !alone) {
		log_debug("kubeconfig file does not exist, skipped", log_str("path", path));
		return RC_OK;
	}
	if (rc)
		return error_wrap(err, rc == RC_TOO_LARGE ? RC_INVALID_ARGUMENT : rc, "kubeconfig");
	files->texts[files->count++] = (struct kubeconfig_text){ .path = path, .text = text, .len = len };
	return RC_OK;
}

enum rc kubeconfig_load(const char *paths, struct kubeconfig **ret_config, struct error *err)
{
	struct files files cleanup_with(files_free) = { .paths = str_dup(paths) };
	bool alone = !strchr(paths, ':');
	enum rc rc = RC_OK;
	char *at = files.paths;

	if (!files.paths)
		return error_no_memory(err);
	while (!rc && at) {
		char *path = strsep(&at, ":");

		if (path[0] != '\0')
			rc = read_file(&files, path, alone, err);
	}
	if (!rc && files.count == 0)
		return error_set(err, RC_NOT_FOUND, "kubeconfig: none of these files exists: %s", paths);
	return rc ? rc : kubeconfig_parse(files.texts, files.count, ret_config, err);
}
