#include "tests/kubesim/validate.h"

#include <string.h>

#include "common/container/labels.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LOWER_ALNUM LOWER "0123456789"
#define ANNOTATIONS_MAX (256 * 1024) /* bytes of all keys and values */

/* The API server's words. Source: apimachinery pkg/util/validation. */
#define SUBDOMAIN_WORDS                                                                       \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, " \
	"'-' or '.', and must start and end with an alphanumeric character "                  \
	"(e.g. 'example.com', regex used for validation is "                                  \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_WORDS                                                                             \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'," \
	" and must start and end with an alphanumeric character "                               \
	"(e.g. 'my-name',  or '123-abc', regex used for validation is "                         \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1035_WORDS                                                                     \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start " \
	"with an alphabetic character, and end with an alphanumeric character "              \
	"(e.g. 'my-name',  or 'abc-123', regex used for validation is "                      \
	"'[a-z]([-a-z0-9]*[a-z0-9])?')"

/* The forms of names. */
static const struct {
	size_t max; /* bytes */
	const char *too_long;
	const char *first; /* what the first byte may be */
	const char *inside;
	const char *words;
} forms[] = {
	[NAME_SUBDOMAIN] = { 253, "must be no more than 253 characters", LOWER_ALNUM, LOWER_ALNUM "-.",
			     SUBDOMAIN_WORDS },
	[NAME_LABEL] = { 63, "must be no more than 63 characters", LOWER_ALNUM, LOWER_ALNUM "-", LABEL_WORDS },
	[NAME_LABEL_1035] = { 63, "must be no more than 63 characters", LOWER, LOWER_ALNUM "-", LABEL_1035_WORDS },
};

static void check_name(const char *name, enum sim_name_form form, struct sim_causes *causes)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0)
		sim_cause_add(causes, FAULT_REQUIRED, "metadata.name", NULL, "name or generateName is required");
	else if (len > forms[form].max)
		sim_cause_add(causes, FAULT_INVALID, "metadata.name", name, forms[form].too_long);
	else if (!strchr(forms[form].first, name[0]) || strspn(name, forms[form].inside) != len ||
		 !strchr(LOWER_ALNUM, name[len - 1]) || strstr(name, "..") || strstr(name, "-.") || strstr(name, ".-"))
		sim_cause_add(causes, FAULT_INVALID, "metadata.name", name, forms[form].words);
}

static void check_labels(const char *field, const cJSON *labels, struct sim_causes *causes)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, labels) {
		const char *value = cJSON_GetStringValue(label);
		const char *key_fault = label_key_fault(label->string);
		const char *value_fault = value ? label_value_fault(value) : "must be a string";

		if (key_fault)
			sim_cause_add(causes, FAULT_INVALID, field, label->string, key_fault);
		if (value_fault)
			sim_cause_add(causes, FAULT_INVALID, field, value, value_fault);
	}
}

static void check_annotations(const char *field, const cJSON *annotations, struct sim_causes *causes)
{
	const cJSON *annotation = NULL;
	size_t total = 0;

	cJSON_ArrayForEach (annotation, annotations) {
		const char *value = cJSON_GetStringValue(annotation);
		const char *key_fault = label_key_fault(annotation->string);

		if (key_fault || !value)
			sim_cause_add(causes, FAULT_INVALID, field, annotation->string,
				      key_fault ? key_fault : "must be a string");
		else
			total += strlen(annotation->string) + strlen(value);
	}
	if (total > ANNOTATIONS_MAX)
		sim_cause_add(causes, FAULT_TOO_LONG, field, NULL, "may not be more than 262144 bytes");
}

void sim_validate(const struct sim_kind *kind, const cJSON *tree, struct sim_causes *causes)
{
	check_name(json_string_at(tree, "metadata.name"), kind->name_form, causes);
	check_labels("metadata.labels", json_at(tree, "metadata.labels"), causes);
	check_annotations("metadata.annotations", json_at(tree, "metadata.annotations"), causes);
	if (json_int_at(tree, "spec.replicas", 0) < 0)
		sim_cause_add(causes, FAULT_INVALID, "spec.replicas", NULL, "must be greater than or equal to 0");
	check_labels("spec.selector.matchLabels", json_at(tree, "spec.selector.matchLabels"), causes);
	check_labels("spec.template.labels", json_at(tree, "spec.template.metadata.labels"), causes);
	check_annotations("spec.template.annotations", json_at(tree, "spec.template.metadata.annotations"), causes);
}
