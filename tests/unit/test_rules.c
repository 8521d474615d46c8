#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/rules.h"

struct rule_case {
	const char *name;
	const char *spec;
	const char *faults; /* "pointer detail; ..." */
};

static const struct rule_case cases[] = {
	{ "empty", "{}", "" },
	{ "not an object", "[]", "" },
	{ "cpu in order", "{\"resources\":{\"cpu\":{\"min\":1,\"max\":2}}}", "" },
	{ "cpu equal in two notations", "{\"resources\":{\"cpu\":{\"min\":\"1000m\",\"max\":1}}}", "" },
	{ "cpu out of order", "{\"resources\":{\"cpu\":{\"min\":3,\"max\":2}}}",
	  "/spec/resources/cpu/min must not be more than max" },
	{ "cpu out of order in two notations", "{\"resources\":{\"cpu\":{\"min\":\"1500m\",\"max\":\"1\"}}}",
	  "/spec/resources/cpu/min must not be more than max" },
	{ "invalid cpu is not compared", "{\"resources\":{\"cpu\":{\"min\":\"x\",\"max\":1}}}", "" },
	{ "memory in order", "{\"resources\":{\"memory\":{\"min\":\"1024MB\",\"max\":\"1GB\"}}}", "" },
	{ "memory out of order", "{\"resources\":{\"memory\":{\"min\":\"1025MB\",\"max\":\"1GB\"}}}",
	  "/spec/resources/memory/min must not be more than max" },
	{ "memory as a number is not compared", "{\"resources\":{\"memory\":{\"min\":2,\"max\":\"1GB\"}}}", "" },
	{ "labels", "{\"metadata\":{\"labels\":{\"a\":\"b\",\"x.y/z_1\":\"\"}}}", "" },
	{ "reserved labels", "{\"metadata\":{\"labels\":{\"dcm.project/managed-by\":\"dcm\"}}}",
	  "/spec/metadata/labels/dcm.project~1managed-by is reserved for the provider" },
	{ "a label similar to the reserved ones", "{\"metadata\":{\"labels\":{\"dcm.project/other\":\"\"}}}", "" },
	{ "labels as an array are not checked", "{\"metadata\":{\"labels\":[\"a\"]}}", "" },
	{ "ports", "{\"network\":{\"ports\":[{\"container_port\":80},{\"container_port\":81}]}}", "" },
	{ "a port two and three times",
	  "{\"network\":{\"ports\":[{\"container_port\":80},{\"container_port\":80},{\"container_port\":80}]}}",
	  "/spec/network/ports/1/container_port is a duplicate; "
	  "/spec/network/ports/2/container_port is a duplicate" },
	{ "the largest port", "{\"network\":{\"ports\":[{\"container_port\":65535},{\"container_port\":65535}]}}",
	  "/spec/network/ports/1/container_port is a duplicate" },
	{ "strategies",
	  "{\"provider_hints\":{\"kubernetes\":{\"strategy\":{\"type\":\"rolling\",\"max_surge\":0,\"max_unavailable\":"
	  "\"100%\"}}}}",
	  "" },
	{ "a StatefulSet with a rolling update",
	  "{\"provider_hints\":{\"kubernetes\":{\"kind\":\"StatefulSet\",\"strategy\":{\"type\":\"rolling\"}}}}", "" },
	{ "a StatefulSet with the strategy recreate",
	  "{\"provider_hints\":{\"kubernetes\":{\"kind\":\"StatefulSet\",\"strategy\":{\"type\":\"recreate\"}}}}",
	  "/spec/provider_hints/kubernetes/strategy/type cannot be recreate: a StatefulSet replaces one Pod at a "
	  "time" },
	{ "a StatefulSet that replaces several Pods",
	  "{\"provider_hints\":{\"kubernetes\":{\"kind\":\"StatefulSet\",\"strategy\":{\"type\":\"rolling\",\"max_"
	  "surge\":1,"
	  "\"max_unavailable\":1}}}}",
	  "/spec/provider_hints/kubernetes/strategy/max_surge is not allowed for a StatefulSet, which replaces one Pod "
	  "at a time; /spec/provider_hints/kubernetes/strategy/max_unavailable is not allowed for a StatefulSet, which "
	  "replaces one Pod at a time" },
	{ "a strategy that replaces nothing",
	  "{\"provider_hints\":{\"kubernetes\":{\"strategy\":{\"type\":\"rolling\",\"max_surge\":\"0%\",\"max_"
	  "unavailable\":0}}}}",
	  "/spec/provider_hints/kubernetes/strategy/max_unavailable must not be 0 when max_surge is" },
	{ "more than 100%",
	  "{\"provider_hints\":{\"kubernetes\":{\"strategy\":{\"type\":\"rolling\",\"max_unavailable\":\"101%\"}}}}",
	  "/spec/provider_hints/kubernetes/strategy/max_unavailable must not be more than 100%" },
	{ "recreate with a surge",
	  "{\"provider_hints\":{\"kubernetes\":{\"strategy\":{\"type\":\"recreate\",\"max_surge\":1,\"max_"
	  "unavailable\":1}}}}",
	  "/spec/provider_hints/kubernetes/strategy/max_surge is not allowed for the type recreate; "
	  "/spec/provider_hints/kubernetes/strategy/max_unavailable is not allowed for the type recreate" },
	{ "an autoscaler",
	  "{\"provider_hints\":{\"kubernetes\":{\"autoscale\":{\"min\":2,\"max\":2,\"cpu_percent\":50}}}}", "" },
	{ "an autoscaler without a metric and with min above max",
	  "{\"provider_hints\":{\"kubernetes\":{\"autoscale\":{\"min\":3,\"max\":2}}}}",
	  "/spec/provider_hints/kubernetes/autoscale/min must not be more than max; "
	  "/spec/provider_hints/kubernetes/autoscale requires cpu_percent or memory_percent" },
	{ "a port once for each protocol",
	  "{\"network\":{\"ports\":[{\"container_port\":80},{\"container_port\":80,\"protocol\":\"UDP\"},"
	  "{\"container_port\":80,\"protocol\":\"SCTP\"}]}}",
	  "" },
	{ "a duplicate port of one protocol",
	  "{\"network\":{\"ports\":[{\"container_port\":80,\"protocol\":\"UDP\"},{\"container_port\":80},"
	  "{\"container_port\":80,\"protocol\":\"TCP\"},{\"container_port\":80,\"protocol\":\"UDP\"}]}}",
	  "/spec/network/ports/2/container_port is a duplicate; "
	  "/spec/network/ports/3/container_port is a duplicate" },
	{ "invalid ports are not compared",
	  "{\"network\":{\"ports\":[{\"container_port\":0},{\"container_port\":0},5,null]}}", "" },
};

Test(rules, rules_beyond_the_schema_are_checked)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json cJSON *spec = cJSON_Parse(cases[i].spec);
		struct faults faults cleanup_faults = { .count = 0 };
		struct buf got cleanup_buf = buf_make(10000);

		cr_assert_not_null(spec, "%s", cases[i].name);
		rules_check(spec, "/spec", &faults);
		for (size_t k = 0; k < faults.count; k++)
			buf_addf(&got, "%s%s %s", k ? "; " : "", faults.items[k].pointer, faults.items[k].detail);
		cr_expect_str_eq(got.data, cases[i].faults, "%s: got '%s'", cases[i].name, got.data);
	}
}

Test(rules, a_missing_spec_is_left_to_the_validator)
{
	struct faults faults cleanup_faults = { .count = 0 };

	rules_check(NULL, "/spec", &faults);
	cr_expect_eq(faults.count, 0);
}

Test(rules, an_invalid_label_key_is_reported_with_its_reason)
{
	cleanup_json cJSON *spec = cJSON_Parse("{\"metadata\":{\"labels\":{\"-a\":\"\",\"A/b\":\"\"}}}");
	struct faults faults cleanup_faults = { .count = 0 };

	rules_check(spec, "", &faults);
	cr_assert_eq(faults.count, 2);
	cr_expect_str_eq(faults.items[0].pointer, "/metadata/labels/-a");
	cr_expect_str_eq(faults.items[1].pointer, "/metadata/labels/A~1b");
	cr_expect(strstr(faults.items[1].detail, "DNS") != NULL);
}
