#include "api-svc/document/rules.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/document/faults.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/quantity.h"
#include "common/container/spec_ports.h"

#define PORT_MAX 65535

struct rule_context {
	const cJSON *spec;
	const char *pointer;
	struct faults *faults;
};

static void add_fault(const struct rule_context *c, const char *where, const char *what)
{
	char pointer[FAULT_POINTER_MAX];

	snprintf(pointer, sizeof(pointer), "%s%s", c->pointer, where);
	faults_add(c->faults, pointer, "%s", what);
}

static void check_cpu(const struct rule_context *c)
{
	int64_t min;
	int64_t max;

	if (quantity_parse_cpu(json_at(c->spec, "resources.cpu.min"), &min) &&
	    quantity_parse_cpu(json_at(c->spec, "resources.cpu.max"), &max) && min > max)
		add_fault(c, "/resources/cpu/min", "must not be more than max");
}

static void check_memory(const struct rule_context *c)
{
	const char *min_text = json_string_at(c->spec, "resources.memory.min");
	const char *max_text = json_string_at(c->spec, "resources.memory.max");
	int64_t min;
	int64_t max;

	if (min_text && max_text && quantity_parse_memory(min_text, &min) && quantity_parse_memory(max_text, &max) &&
	    min > max)
		add_fault(c, "/resources/memory/min", "must not be more than max");
}

static void check_label(const struct rule_context *c, const cJSON *label)
{
	struct buf pointer cleanup_buf = buf_make(FAULT_POINTER_MAX + strlen(label->string) * 2);
	const char *key_fault = label_key_fault(label->string);

	buf_add_str(&pointer, "/metadata/labels");
	fault_pointer_add_name(&pointer, label->string);
	if (label_is_reserved(label->string))
		add_fault(c, pointer.data, "is reserved for the provider");
	else if (key_fault)
		add_fault(c, pointer.data, key_fault);
}

static void check_labels(const struct rule_context *c)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, json_at(c->spec, "metadata.labels"))
		if (label->string) /* an array is rejected by the validator */
			check_label(c, label);
}

static const char *const protocols[] = { "TCP", "UDP", "SCTP" };

static void check_ports_of(const struct rule_context *c, const char *protocol)
{
	unsigned char seen[PORT_MAX / CHAR_BIT + 1] = { 0 };
	const cJSON *item = NULL;
	size_t index = 0;

	cJSON_ArrayForEach (item, json_at(c->spec, "network.ports")) {
		int64_t port = json_int_at(item, "container_port", 0);
		char where[64];

		if (port >= 1 && port <= PORT_MAX && str_equal(spec_port_protocol(item), protocol)) {
			snprintf(where, sizeof(where), "/network/ports/%zu/container_port", index);
			if (seen[port / CHAR_BIT] & 1u << port % CHAR_BIT)
				add_fault(c, where, "is a duplicate");
			seen[port / CHAR_BIT] |= (unsigned char)(1u << port % CHAR_BIT);
		}
		index++;
	}
}

static void check_ports(const struct rule_context *c)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		check_ports_of(c, protocols[i]);
}

#define STRATEGY "/provider_hints/kubernetes/strategy"
#define AUTOSCALE "/provider_hints/kubernetes/autoscale"

/* A number, or the digits before a '%'; -1: neither, or missing. */
static int64_t share_of(const cJSON *share)
{
	int64_t number = -1;

	if (cJSON_IsString(share))
		return strtoll(share->valuestring, NULL, 10);
	return json_is_int(share, &number) ? number : -1;
}

static void check_strategy(const struct rule_context *c)
{
	const cJSON *strategy = json_at(c->spec, "provider_hints.kubernetes.strategy");
	const cJSON *surge = json_get(strategy, "max_surge");
	const cJSON *unavailable = json_get(strategy, "max_unavailable");

	if (cJSON_IsString(unavailable) && share_of(unavailable) > 100)
		add_fault(c, STRATEGY "/max_unavailable", "must not be more than 100%");
	if (share_of(surge) == 0 && share_of(unavailable) == 0)
		add_fault(c, STRATEGY "/max_unavailable", "must not be 0 when max_surge is");
	if (!str_equal(json_string_at(strategy, "type"), "recreate"))
		return;
	if (surge)
		add_fault(c, STRATEGY "/max_surge", "is not allowed for the type recreate");
	if (unavailable)
		add_fault(c, STRATEGY "/max_unavailable", "is not allowed for the type recreate");
}

static void check_statefulset(const struct rule_context *c)
{
	static const char *const members[] = { "max_surge", "max_unavailable" };
	const cJSON *hints = json_at(c->spec, "provider_hints.kubernetes");
	const cJSON *strategy = json_get(hints, "strategy");

	if (!str_equal(json_string_at(hints, "kind"), "StatefulSet"))
		return;
	if (str_equal(json_string_at(strategy, "type"), "recreate"))
		add_fault(c, STRATEGY "/type", "cannot be recreate: a StatefulSet replaces one Pod at a time");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		char where[64];

		snprintf(where, sizeof(where), STRATEGY "/%s", members[i]);
		if (json_get(strategy, members[i]))
			add_fault(c, where, "is not allowed for a StatefulSet, which replaces one Pod at a time");
	}
}

static void check_autoscale(const struct rule_context *c)
{
	const cJSON *autoscale = json_at(c->spec, "provider_hints.kubernetes.autoscale");

	if (!cJSON_IsObject(autoscale))
		return;
	if (json_int_at(autoscale, "min", 1) > json_int_at(autoscale, "max", INT64_MAX))
		add_fault(c, AUTOSCALE "/min", "must not be more than max");
	if (!json_get(autoscale, "cpu_percent") && !json_get(autoscale, "memory_percent"))
		add_fault(c, AUTOSCALE, "requires cpu_percent or memory_percent");
}

static const struct rule {
	const char *name;
	void (*check)(const struct rule_context *c);
} rules[] = {
	{ "cpu: min <= max", check_cpu },
	{ "memory: min <= max", check_memory },
	{ "labels: valid for Kubernetes, not reserved", check_labels },
	{ "strategy: Pods can be replaced", check_strategy },
	{ "strategy: supported by a StatefulSet", check_statefulset },
	{ "autoscale: min <= max, at least one metric", check_autoscale },
	{ "ports: unique per protocol", check_ports },
};

void rules_check(const cJSON *spec, const char *pointer, struct faults *faults)
{
	struct rule_context c = { .spec = spec, .pointer = pointer, .faults = faults };

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i].check(&c);
}
