#include <criterion/criterion.h>
#include <string.h>

#include "common/container/container_view.h"
#include "common/container/container_write.h"

#define FULL_SPEC                                                                                                \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\",\"labels\":{\"team\":\"a\"}},"           \
	"\"image\":{\"reference\":\"nginx:1\"},"                                                                 \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":\"2000m\"},\"memory\":{\"min\":\"1024MB\",\"max\":\"2GB\"}}," \
	"\"process\":{\"command\":[\"sh\",\"-c\"],\"args\":[\"\",\"a "                                           \
	"\\\"b\\\"\"],\"env\":[{\"name\":\"E\",\"value\":\"\"},"                                                 \
	"{\"name\":\"N\",\"value\":\"x\\ny\"}]},"                                                                \
	"\"network\":{\"ports\":[{\"container_port\":80,\"visibility\":\"external\"},{\"container_port\":81,"    \
	"\"visibility\":\"none\"},{\"container_port\":82,\"visibility\":\"internal\"}]},"                        \
	"\"provider_hints\":{\"k\":{\"deep\":[1,null]}}}"
#define EMPTY_SPEC                                                                                                \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\",\"labels\":{}},\"image\":{\"reference\":" \
	"\"i\"},"                                                                                                 \
	"\"resources\":{\"cpu\":{\"min\":\"500m\",\"max\":1},\"memory\":{\"min\":\"1MB\",\"max\":\"1MB\"}},"      \
	"\"process\":{\"command\":[],\"args\":[],\"env\":[]},\"network\":{\"ports\":[]},\"provider_hints\":{}}"
#define PLAIN_SPEC_HEAD                                                                                    \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\"},\"image\":{\"reference\":\"i\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":1},\"memory\":{\"min\":\"1TB\",\"max\":\"1024GB\"}}"
#define PLAIN_SPEC PLAIN_SPEC_HEAD "}"

static const struct container_origin origin = { .token = "req:1", .attempt = "_INBOX.a.1-0-1", .digest = "" };

/* The Deployment created from the spec, as returned by the API server. */
static cJSON *deployment_of(const char *spec_text)
{
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *spec = NULL;
	cJSON *deployment = NULL;
	struct error err = { 0 };

	cr_assert_eq(json_parse_strict(spec_text, strlen(spec_text), &spec, &err), RC_OK, "%s", err.text);
	cr_assert_eq(container_write_deployment("web-1", spec, NULL, &origin, &body, &err), RC_OK, "%s", err.text);
	cr_assert_eq(json_parse_strict(body.data, body.len, &deployment, &err), RC_OK, "%s", err.text);
	cJSON_AddStringToObject(json_get(deployment, "metadata"), "creationTimestamp", "2026-01-01T00:00:00Z");
	return deployment;
}

static cJSON *view_of(const cJSON *deployment, const char *service)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct buf text cleanup_buf = buf_make(1 << 20);
	struct json_writer w = json_writer_make(&text);
	cJSON *view = NULL;

	buf_add_str(&extras.service, service);
	cr_assert_eq(container_view_write(&w, deployment, &extras, NULL, NULL), RC_OK);
	cr_assert_eq(json_parse_strict(text.data, text.len, &view, NULL), RC_OK, "%s", text.data);
	return view;
}

Test(container_view, the_spec_of_the_client_is_returned_unchanged)
{
	static const char *const specs[] = { FULL_SPEC, EMPTY_SPEC, PLAIN_SPEC };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		cleanup_json cJSON *deployment = deployment_of(specs[i]);
		cleanup_json cJSON *view = view_of(deployment, "");
		cleanup_json cJSON *spec = cJSON_Parse(specs[i]);
		cleanup_free char *shown = cJSON_PrintUnformatted(json_get(view, "spec"));

		cr_expect(cJSON_Compare(spec, json_get(view, "spec"), true), "case %zu: %s", i, shown);
		cr_expect_str_eq(json_string_at(view, "id"), "web-1");
		cr_expect_str_eq(json_string_at(view, "path"), "containers/web-1");
		cr_expect_str_eq(json_string_at(view, "create_time"), "2026-01-01T00:00:00Z");
	}
}

Test(container_view, the_etag_changes_only_with_the_spec)
{
	static const char network[] = PLAIN_SPEC_HEAD ",\"network\":{}}";
	static const char hints[] = PLAIN_SPEC_HEAD ",\"provider_hints\":{\"a\":1,\"b\":[1,2]}}";
	static const struct {
		const char *what;
		const char *spec, *other;
		const char *ip; /* of the other */
		bool same;
	} pairs[] = {
		{ "unchanged", FULL_SPEC, FULL_SPEC, "", true },
		{ "an address", FULL_SPEC, FULL_SPEC, "10.0.0.1", true },
		{ "an address without ports", PLAIN_SPEC, PLAIN_SPEC, "10.0.0.1", true },
		{ "an address with an empty network", network, network, "10.0.0.1", true },
		{ "an address with an empty list of ports", EMPTY_SPEC, EMPTY_SPEC, "10.0.0.1", true },
		{ "an empty network", PLAIN_SPEC, network, "", false },
		{ "an empty network, and an address", PLAIN_SPEC, network, "10.0.0.1", false },
		{ "the order of hints", hints, PLAIN_SPEC_HEAD ",\"provider_hints\":{\"b\":[1,2],\"a\":1}}", "", true },
		{ "a changed hint", hints, PLAIN_SPEC_HEAD ",\"provider_hints\":{\"a\":1,\"b\":[2,1]}}", "", false },
		{ "no hints", hints, PLAIN_SPEC, "", false },
		{ "another spec", FULL_SPEC, EMPTY_SPEC, "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct container_extras extras cleanup_container_extras = container_extras_make();
		cleanup_json cJSON *one = deployment_of(pairs[i].spec);
		cleanup_json cJSON *other = deployment_of(pairs[i].other);
		char first[CONTAINER_ETAG_MAX];
		char second[CONTAINER_ETAG_MAX];

		cr_assert_eq(container_view_etag(one, &extras, first, NULL), RC_OK);
		snprintf(extras.ip, sizeof(extras.ip), "%s", pairs[i].ip);
		extras.status = CONTAINER_RUNNING;
		extras.changed_ms = 1;
		cJSON_AddStringToObject(json_get(other, "metadata"), "namespace", "elsewhere");
		cr_assert_eq(container_view_etag(other, &extras, second, NULL), RC_OK);
		cr_expect_eq(strlen(first), CONTAINER_ETAG_MAX - 1);
		cr_expect_eq(strcmp(first, second) == 0, pairs[i].same, "%s", pairs[i].what);
	}
}

Test(container_view, the_etag_is_a_member_of_the_container)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	cleanup_json cJSON *deployment = deployment_of(FULL_SPEC);
	cleanup_json cJSON *view = view_of(deployment, "");
	char etag[CONTAINER_ETAG_MAX];

	cr_assert_eq(container_view_etag(deployment, &extras, etag, NULL), RC_OK);
	cr_expect_str_eq(json_string_at(view, "etag"), etag);
}

Test(container_view, changes_made_in_the_cluster_are_shown)
{
	cleanup_json cJSON *deployment = deployment_of(FULL_SPEC);
	cJSON *container = cJSON_GetArrayItem(json_at(deployment, "spec.template.spec.containers"), 0);
	cleanup_json cJSON *view = NULL;

	cJSON_ReplaceItemInObjectCaseSensitive(container, "image", cJSON_CreateString("nginx:2"));
	cJSON_ReplaceItemInObjectCaseSensitive(json_at(container, "resources.requests"), "cpu",
					       cJSON_CreateString("1500m"));
	cJSON_ReplaceItemInObjectCaseSensitive(json_at(container, "resources.requests"), "memory",
					       cJSON_CreateString("1Gi"));
	cJSON_ReplaceItemInObjectCaseSensitive(json_at(container, "resources.limits"), "memory",
					       cJSON_CreateString("3Gi"));
	cJSON_DeleteItemFromObjectCaseSensitive(container, "args");
	view = view_of(deployment, "");
	cr_expect_str_eq(json_string_at(view, "spec.image.reference"), "nginx:2");
	cr_expect_str_eq(json_string_at(view, "spec.resources.cpu.min"), "1500m");
	cr_expect_str_eq(json_string_at(view, "spec.resources.memory.min"), "1024MB"); /* 1Gi is an equal value */
	cr_expect_str_eq(json_string_at(view, "spec.resources.memory.max"), "3GB");
	cr_expect_null(json_at(view, "spec.process.args"));
}

Test(container_view, a_sidecar_listed_first_is_ignored)
{
	cleanup_json cJSON *deployment = deployment_of(FULL_SPEC);
	cJSON *containers = json_at(deployment, "spec.template.spec.containers");
	cleanup_json cJSON *spec = cJSON_Parse(FULL_SPEC);
	cleanup_json cJSON *view = NULL;

	cJSON_InsertItemInArray(containers, 0, cJSON_Parse("{\"name\":\"sidecar\",\"image\":\"envoy\",\"ports\":[]}"));
	view = view_of(deployment, "");
	cr_expect(cJSON_Compare(spec, json_get(view, "spec"), true));
}

/* Invalid data from an API server: the response to the client is valid JSON nevertheless. */
static const struct {
	const char *path; /* of a member of the Deployment */
	const char *value;
} malformed_rows[] = {
	{ "metadata.labels", "[1,[\"a\"],{\"b\":2}]" },
	{ "metadata.labels", "{\"dcm.project/dcm-instance-id\":\"web-1\",\"a\":7,\"b\":{},\"c\":null}" },
	{ "metadata.annotations", "[\"x\"]" },
	{ "metadata.name", "{}" },
	{ "metadata.creationTimestamp", "[]" },
	{ "spec.template", "[[1]]" },
	{ "spec.template.spec.containers", "{\"a\":1}" },
	{ "spec.template.spec.containers", "[[\"name\"]]" },
	{ "spec.template.spec.containers",
	  "[{\"name\":7,\"image\":[],\"env\":[1,{\"value\":\"x\"}],\"ports\":{\"a\":1}}]" },
	{ "spec.template.spec.containers", "[{\"resources\":[{\"limits\":1}],\"command\":\"x\",\"args\":{\"a\":[]}}]" },
};

static void replace(cJSON *tree, const char *path, const char *value)
{
	char parent[64];
	const char *last = strrchr(path, '.');

	snprintf(parent, sizeof(parent), "%.*s", (int)(last - path), path);
	cJSON_ReplaceItemInObjectCaseSensitive(json_at(tree, parent), last + 1, cJSON_Parse(value));
}

Test(container_view, malformed_members_do_not_break_the_response)
{
	for (size_t i = 0; i < ARRAY_LEN(malformed_rows); i++) {
		cleanup_json cJSON *deployment = deployment_of(FULL_SPEC);
		cleanup_json cJSON *view = NULL;

		replace(deployment, malformed_rows[i].path, malformed_rows[i].value);
		view = view_of(deployment, "");
		cr_expect(cJSON_IsObject(json_get(view, "spec")), "%s: %s", malformed_rows[i].path,
			  malformed_rows[i].value);
	}
}

Test(container_view, a_foreign_deployment_with_few_members_is_shown)
{
	cleanup_json cJSON *bare = cJSON_Parse(
		"{\"metadata\":{\"name\":\"n\",\"labels\":{\"dcm.project/dcm-instance-id\":\"i\"}}}");
	cleanup_json cJSON *seen = cJSON_Parse(
		"{\"metadata\":{\"name\":\"n\",\"labels\":{\"dcm.project/"
		"dcm-instance-id\":\"i\"}},\"spec\":{\"template\":{\"spec\":"
		"{\"containers\":[{\"name\":\"c\",\"image\":\"x\",\"env\":[{\"name\":\"A\",\"valueFrom\":{}}],"
		"\"ports\":[{\"containerPort\":80},{\"containerPort\":81}],\"resources\":{\"limits\":{\"cpu\":\"250m\","
		"\"memory\":\"100M\"}}}]}}}}");
	cleanup_json cJSON *bare_view = view_of(bare, "");
	cleanup_json cJSON *seen_view = view_of(
		seen, "{\"type\":\"NodePort\",\"ports\":[{\"port\":8080,\"target_port\":80}]}");
	const cJSON *ports = json_at(seen_view, "spec.network.ports");

	cr_expect_str_eq(json_string_at(bare_view, "id"), "i");
	cr_expect_str_eq(json_string_at(bare_view, "spec.metadata.name"), "n");
	cr_expect_str_eq(json_string_at(seen_view, "spec.resources.cpu.max"), "250m");
	cr_expect_str_eq(json_string_at(seen_view, "spec.resources.memory.max"), "100M");
	cr_expect_str_eq(json_string_at(cJSON_GetArrayItem(ports, 0), "visibility"), "external");
	cr_expect_str_eq(json_string_at(cJSON_GetArrayItem(ports, 1), "visibility"), "none");
}
