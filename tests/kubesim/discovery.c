#include "tests/kubesim/discovery.h"

#include <string.h>

#include "common/services/json_write.h"
#include "tests/kubesim/kinds.h"

static void answer_text(struct sim_response *rs, const char *text)
{
	rs->status = 200;
	rs->content_type = "text/plain; charset=utf-8";
	buf_add_str(&rs->body, text);
}

static void answer_health(struct sim_response *rs)
{
	answer_text(rs, "ok");
}

static void answer_version(struct sim_response *rs)
{
	rs->status = 200;
	buf_add_str(&rs->body, "{\n  \"major\": \"1\",\n  \"minor\": \"36\",\n  \"emulationMajor\": \"1\",\n"
			       "  \"emulationMinor\": \"36\",\n  \"minCompatibilityMajor\": \"1\",\n"
			       "  \"minCompatibilityMinor\": \"35\",\n  \"gitVersion\": \"v1.36.3+kubesim\",\n"
			       "  \"gitCommit\": \"simulator\",\n  \"gitTreeState\": \"clean\",\n"
			       "  \"buildDate\": \"1970-01-01T00:00:00Z\",\n  \"goVersion\": \"none\",\n"
			       "  \"compiler\": \"none\",\n  \"platform\": \"linux/amd64\"\n}");
}

static void answer_core_versions(struct sim_response *rs)
{
	rs->status = 200;
	buf_add_str(&rs->body, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[]}");
}

/* {"name":"apps","versions":[{...}],"preferredVersion":{...}}; at the top with kind and apiVersion. */
static void write_group(struct json_writer *w, bool top)
{
	json_begin_object(w, NULL);
	if (top) {
		json_string(w, "kind", "APIGroup");
		json_string(w, "apiVersion", "v1");
	}
	json_string(w, "name", "apps");
	json_begin_array(w, "versions");
	json_begin_object(w, NULL);
	json_string(w, "groupVersion", "apps/v1");
	json_string(w, "version", "v1");
	json_end_object(w);
	json_end_array(w);
	json_begin_object(w, "preferredVersion");
	json_string(w, "groupVersion", "apps/v1");
	json_string(w, "version", "v1");
	json_end_object(w);
	json_end_object(w);
}

static void answer_groups(struct sim_response *rs)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	json_begin_object(&w, NULL);
	json_string(&w, "kind", "APIGroupList");
	json_string(&w, "apiVersion", "v1");
	json_begin_array(&w, "groups");
	write_group(&w, false);
	json_end_array(&w);
	json_end_object(&w);
}

static void answer_apps(struct sim_response *rs)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	write_group(&w, true);
}

static void write_verbs(struct json_writer *w, const char *const *verbs)
{
	json_begin_array(w, "verbs");
	for (; *verbs; verbs++)
		json_string(w, NULL, *verbs);
	json_end_array(w);
}

static void write_kind(struct json_writer *w, const struct sim_kind *k)
{
	static const char *const verbs[] = { "create", "delete", "get", "list", "patch", "update", "watch", NULL };

	json_begin_object(w, NULL);
	json_string(w, "name", k->plural);
	json_string(w, "singularName", k->singular);
	json_bool(w, "namespaced", k->namespaced);
	json_string(w, "kind", k->kind);
	write_verbs(w, verbs);
	json_begin_array(w, "shortNames");
	json_string(w, NULL, k->short_name);
	json_end_array(w);
	if (k->in_all) {
		json_begin_array(w, "categories");
		json_string(w, NULL, "all");
		json_end_array(w);
	}
	json_end_object(w);
}

static void write_subresource(struct json_writer *w, const struct sim_kind *k, const char *name, bool is_scale)
{
	static const char *const verbs[] = { "get", "patch", "update", NULL };
	char full[96];

	snprintf(full, sizeof(full), "%s/%s", k->plural, name);
	json_begin_object(w, NULL);
	json_string(w, "name", full);
	json_string(w, "singularName", "");
	json_bool(w, "namespaced", k->namespaced);
	if (is_scale) {
		json_string(w, "group", "autoscaling");
		json_string(w, "version", "v1");
	}
	json_string(w, "kind", is_scale ? "Scale" : k->kind);
	write_verbs(w, verbs);
	json_end_object(w);
}

static void answer_resources(struct sim_response *rs, const char *group, const char *group_version)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	json_begin_object(&w, NULL);
	json_string(&w, "kind", "APIResourceList");
	json_string(&w, "apiVersion", "v1");
	json_string(&w, "groupVersion", group_version);
	json_begin_array(&w, "resources");
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		if (strcmp(sim_kinds[i].group, group) != 0)
			continue;
		write_kind(&w, &sim_kinds[i]);
		if (sim_kinds[i].has_scale)
			write_subresource(&w, &sim_kinds[i], "scale", true);
		if (sim_kinds[i].has_status)
			write_subresource(&w, &sim_kinds[i], "status", false);
	}
	json_end_array(&w);
	json_end_object(&w);
}

static void answer_core_resources(struct sim_response *rs)
{
	answer_resources(rs, "", "v1");
}

static void answer_apps_resources(struct sim_response *rs)
{
	answer_resources(rs, "apps", "apps/v1");
}

/*
 * As much of an OpenAPI v3 document as kubectl wants to see before it leaves validation to the server: that PATCH of
 * the kind knows the parameter fieldValidation.
 */
static void write_openapi_path(struct json_writer *w, const struct sim_kind *k)
{
	char path[128];

	snprintf(path, sizeof(path), "/%s%s%s/%s/%s%s/{name}", k->group[0] ? "apis" : "api", k->group[0] ? "/" : "",
		 k->group, k->version, k->namespaced ? "namespaces/{namespace}/" : "", k->plural);
	json_begin_object(w, path);
	json_begin_object(w, "patch");
	json_begin_array(w, "parameters");
	json_begin_object(w, NULL);
	json_string(w, "name", "fieldValidation");
	json_string(w, "in", "query");
	json_begin_object(w, "schema");
	json_string(w, "type", "string");
	json_end_object(w);
	json_end_object(w);
	json_end_array(w);
	json_begin_object(w, "responses");
	json_end_object(w);
	json_begin_object(w, "x-kubernetes-group-version-kind");
	json_string(w, "group", k->group);
	json_string(w, "version", k->version);
	json_string(w, "kind", k->kind);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

static void answer_openapi_group(struct sim_response *rs, const char *group)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	json_begin_object(&w, NULL);
	json_string(&w, "openapi", "3.0.0");
	json_begin_object(&w, "info");
	json_string(&w, "title", "kubesim");
	json_string(&w, "version", "simulator");
	json_end_object(&w);
	json_begin_object(&w, "paths");
	for (size_t i = 0; i < SIM_KIND_COUNT; i++)
		if (strcmp(sim_kinds[i].group, group) == 0)
			write_openapi_path(&w, &sim_kinds[i]);
	json_end_object(&w);
	json_end_object(&w);
}

static void answer_openapi_core(struct sim_response *rs)
{
	answer_openapi_group(rs, "");
}

static void answer_openapi_apps(struct sim_response *rs)
{
	answer_openapi_group(rs, "apps");
}

static void answer_openapi(struct sim_response *rs)
{
	rs->status = 200;
	buf_add_str(&rs->body, "{\"paths\":{\"api/v1\":{\"serverRelativeURL\":\"/openapi/v3/api/v1\"},"
			       "\"apis/apps/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/apps/v1\"}}}");
}

static const struct {
	const char *path;
	bool is_public;
	void (*answer)(struct sim_response *rs);
} paths[] = {
	{ "/healthz", true, answer_health },
	{ "/livez", true, answer_health },
	{ "/readyz", true, answer_health },
	{ "/version", true, answer_version },
	{ "/api", false, answer_core_versions },
	{ "/apis", false, answer_groups },
	{ "/apis/apps", false, answer_apps },
	{ "/api/v1", false, answer_core_resources },
	{ "/apis/apps/v1", false, answer_apps_resources },
	{ "/openapi/v3", false, answer_openapi },
	{ "/openapi/v3/api/v1", false, answer_openapi_core },
	{ "/openapi/v3/apis/apps/v1", false, answer_openapi_apps },
};

bool sim_discovery_answer(const struct sim_request *request, struct sim_response *response)
{
	size_t len = strlen(request->path);

	while (len > 1 && request->path[len - 1] == '/')
		len--;
	if (strcmp(request->method, "GET") != 0)
		return false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strlen(paths[i].path) == len && strncmp(paths[i].path, request->path, len) == 0) {
			paths[i].answer(response);
			return true;
		}
	}
	return false;
}

bool sim_discovery_is_public(const char *path)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(paths[i].path, path) == 0)
			return paths[i].is_public;
	return false;
}
