#include "api-svc/document/rules.h"

#include <limits.h>
#include <string.h>

#include "common/container/labels.h"
#include "common/container/quantity.h"
#include "common/services/json_pointer.h"

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
	json_pointer_add_name(&pointer, label->string);
	if (label_is_reserved(label->string))
		add_fault(c, pointer.data, "is reserved for the provider");
	else if (key_fault)
		add_fault(c, pointer.data, key_fault);
}

static void check_labels(const struct rule_context *c)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, json_at(c->spec, "metadata.labels"))
		if (label->string) /* an array there is the validator's business */
			check_label(c, label);
}

static void check_ports(const struct rule_context *c)
{
	unsigned char seen[PORT_MAX / CHAR_BIT + 1] = { 0 };
	const cJSON *item = NULL;
	size_t index = 0;

	cJSON_ArrayForEach (item, json_at(c->spec, "network.ports")) {
		int64_t port = json_int_at(item, "container_port", 0);
		char where[64];

		if (port >= 1 && port <= PORT_MAX) {
			snprintf(where, sizeof(where), "/network/ports/%zu/container_port", index);
			if (seen[port / CHAR_BIT] & 1u << port % CHAR_BIT)
				add_fault(c, where, "is a duplicate");
			seen[port / CHAR_BIT] |= (unsigned char)(1u << port % CHAR_BIT);
		}
		index++;
	}
}

static const struct rule {
	const char *name;
	void (*check)(const struct rule_context *c);
} rules[] = {
	{ "cpu: min <= max", check_cpu },
	{ "memory: min <= max", check_memory },
	{ "labels: valid for Kubernetes, and not ours", check_labels },
	{ "ports: each once", check_ports },
};

void rules_check(const cJSON *spec, const char *pointer, struct faults *faults)
{
	struct rule_context c = { .spec = spec, .pointer = pointer, .faults = faults };

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i].check(&c);
}
