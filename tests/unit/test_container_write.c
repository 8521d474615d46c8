#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/container/container_write.h"
#include "common/container/spec_ports.h"

#define SPEC(network)                                                                                      \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\"},\"image\":{\"reference\":\"i\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":1},\"memory\":{\"min\":\"1MB\",\"max\":\"1MB\"}}" network "}"

static const struct container_origin origin = { .token = "req:1", .attempt = "_INBOX.a.1-0-1", .digest = "" };

Test(container_write, the_service_has_the_visible_ports_and_an_owner)
{
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *spec = cJSON_Parse(SPEC(
		",\"network\":{\"ports\":[{\"container_port\":80,\"visibility\":\"external\"},{\"container_port\":81,"
		"\"visibility\":\"none\"},{\"container_port\":82,\"visibility\":\"internal\"}]}"));
	cleanup_json cJSON *service = NULL;
	const struct container_owner owner = { KUBE_DEPLOYMENT, "u-1" };
	const cJSON *ports;

	cr_assert(spec_ports_want_service(spec));
	cr_assert_eq(container_write_service("web-1", "web-1", &owner, spec, "NodePort", &body, NULL), RC_OK);
	cr_assert_eq(json_parse_strict(body.data, body.len, &service, NULL), RC_OK);
	ports = json_at(service, "spec.ports");
	cr_expect_str_eq(json_string_at(service, "spec.type"), "NodePort");
	cr_expect_eq(cJSON_GetArraySize(ports), 2);
	cr_expect_str_eq(json_string_at(cJSON_GetArrayItem(ports, 1), "name"), "port-82");
	cr_expect_str_eq(json_string_at(cJSON_GetArrayItem(json_at(service, "metadata.ownerReferences"), 0), "uid"),
			 "u-1");
}

Test(container_write, ports_of_visibility_none_create_no_service)
{
	cleanup_json cJSON *spec = cJSON_Parse(
		"{\"network\":{\"ports\":[{\"container_port\":80,\"visibility\":\"none\"}]}}");
	cleanup_json cJSON *nothing = cJSON_Parse("{\"network\":null}");

	cr_expect_not(spec_ports_want_service(spec));
	cr_expect_not(spec_ports_want_service(nothing));
}

Test(container_write, hints_too_large_for_an_annotation_are_refused)
{
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *spec = cJSON_Parse(SPEC(""));
	cleanup_free char *large = malloc(300001);
	cJSON *hints = cJSON_AddObjectToObject(spec, "provider_hints");
	struct error err;

	memset(large, 'x', 300000);
	large[300000] = '\0';
	cJSON_AddStringToObject(hints, "h", large);
	cr_expect_eq(container_write_deployment("a", spec, NULL, &origin, &body, &err), RC_INVALID_ARGUMENT);
	cr_expect_not_null(strstr(err.text, "provider_hints"));
}

Test(container_write, the_error_names_the_member_too_large_for_an_annotation)
{
	cleanup_json cJSON *spec = cJSON_Parse("{\"metadata\":{\"name\":\"a\"},\"network\":{\"ports\":[]}}");
	struct buf out cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct error err;

	for (int i = 1; i <= 5000; i++) {
		cJSON *port = cJSON_CreateObject();

		cJSON_AddNumberToObject(port, "container_port", i);
		cJSON_AddStringToObject(port, "visibility", "internal");
		cJSON_AddItemToArray(json_at(spec, "network.ports"), port);
	}
	cr_assert_eq(container_write_deployment(
			     "a", spec, NULL, &(struct container_origin){ .token = "req:1", .digest = "" }, &out, &err),
		     RC_INVALID_ARGUMENT);
	cr_expect_not_null(strstr(err.text, "network.ports"), "%s", err.text);
}
