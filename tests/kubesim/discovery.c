#include "tests/kubesim/discovery.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "tests/kubesim/kinds.h"

#define GROUP_VERSION(group, version) "{\"groupVersion\":\"" group "/" version "\",\"version\":\"" version "\"}"
#define GROUP(group, version) \
	"{\"name\":\"" group  \
	"\",\"versions\":[" GROUP_VERSION(group, version) "],\"preferredVersion\":" GROUP_VERSION(group, version) "}"

/* Constant responses. */
static const struct {
	const char *path;
	bool is_public;
	const char *content_type;
	const char *body;
} texts[] = {
	{ "/healthz", true, "text/plain; charset=utf-8", "ok" },
	{ "/livez", true, "text/plain; charset=utf-8", "ok" },
	{ "/readyz", true, "text/plain; charset=utf-8", "ok" },
	{ "/version", true, NULL,
	  "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.3+kubesim\",\"gitCommit\":\"simulator\","
	  "\"gitTreeState\":\"clean\",\"buildDate\":\"1970-01-01T00:00:00Z\",\"goVersion\":\"none\",\"compiler\":"
	  "\"none\",\"platform\":\"linux/amd64\"}" },
	{ "/api", false, NULL, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[]}" },
	{ "/apis", false, NULL,
	  "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[" GROUP("apps", "v1") "," GROUP(
		  "autoscaling", "v2") "," GROUP("metrics.k8s.io", "v1beta1") "]}" },
};

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
	if (k->short_name[0])
		json_string(w, NULL, k->short_name);
	json_end_array(w);
	json_begin_array(w, "categories");
	if (k->in_all)
		json_string(w, NULL, "all");
	json_end_array(w);
	json_end_object(w);
}

/* Used by kubectl scale. */
static void write_scale(struct json_writer *w, const struct sim_kind *k)
{
	static const char *const verbs[] = { "get", "patch", "update", NULL };
	char name[96];

	snprintf(name, sizeof(name), "%s/scale", k->plural);
	json_begin_object(w, NULL);
	json_string(w, "name", name);
	json_string(w, "singularName", "");
	json_bool(w, "namespaced", k->namespaced);
	json_string(w, "group", "autoscaling");
	json_string(w, "version", "v1");
	json_string(w, "kind", "Scale");
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
		if (!str_equal(sim_kinds[i].group, group))
			continue;
		write_kind(&w, &sim_kinds[i]);
		if (sim_kinds[i].has_scale)
			write_scale(&w, &sim_kinds[i]);
	}
	json_end_array(&w);
	json_end_object(&w);
}

bool sim_discovery_answer(const struct sim_request *request, struct sim_response *response)
{
	if (!str_equal(request->method, "GET"))
		return false;
	if (str_equal(request->path, "/api/v1")) {
		answer_resources(response, "", "v1");
		return true;
	}
	if (str_equal(request->path, "/apis/apps/v1")) {
		answer_resources(response, "apps", "apps/v1");
		return true;
	}
	if (str_equal(request->path, "/apis/autoscaling/v2")) {
		answer_resources(response, "autoscaling", "autoscaling/v2");
		return true;
	}
	if (str_equal(request->path, "/apis/metrics.k8s.io/v1beta1")) {
		answer_resources(response, "metrics.k8s.io", "metrics.k8s.io/v1beta1");
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!str_equal(texts[i].path, request->path))
			continue;
		response->status = 200;
		response->content_type = texts[i].content_type;
		buf_add_str(&response->body, texts[i].body);
		return true;
	}
	return false;
}

bool sim_discovery_is_public(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_equal(texts[i].path, path))
			return texts[i].is_public;
	return false;
}
