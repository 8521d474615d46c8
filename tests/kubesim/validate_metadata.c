/*
 * Names, labels and annotations. Source: apimachinery pkg/util/validation.
 */
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/validate.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LOWER_ALNUM LOWER "0123456789"
#define ALNUM LOWER_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define PART_MAX 63                  /* bytes of a label's value, or of the name in its key */
#define SUBDOMAIN_MAX 253            /* bytes */
#define ANNOTATIONS_MAX (256 * 1024) /* bytes of all keys and values */

#define SUBDOMAIN_WORDS                                                                                            \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " \
	"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_WORDS                                                                                                 \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " \
	"end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1035_WORDS                                                                                               \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "        \
	"character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation " \
	"is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define PART_WORDS                                                                                               \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " \
	"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "                  \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define VALUE_WORDS                                                                                               \
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " \
	"start "                                                                                                  \
	"and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "    \
	"validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/* Of `inside` only, with a byte of `ends` first and last. */
static bool consists_of(const char *text, size_t len, const char *inside, const char *ends)
{
	if (len == 0 || !strchr(ends, text[0]) || !strchr(ends, text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr(inside, text[i]))
			return false;
	return true;
}

static bool is_subdomain(const char *text, size_t len)
{
	while (len > 0) {
		const char *dot = memchr(text, '.', len);
		size_t part = dot ? (size_t)(dot - text) : len;

		if (!consists_of(text, part, LOWER_ALNUM "-", LOWER_ALNUM))
			return false;
		if (!dot)
			return true;
		text += part + 1;
		len -= part + 1;
	}
	return false;
}

static bool is_label(const char *name)
{
	return consists_of(name, strlen(name), LOWER_ALNUM "-", LOWER_ALNUM);
}

static bool is_label_1035(const char *name)
{
	return is_label(name) && strchr(LOWER, name[0]);
}

static bool is_subdomain_name(const char *name)
{
	return is_subdomain(name, strlen(name));
}

static const struct {
	size_t max;
	const char *too_long;
	bool (*valid)(const char *name);
	const char *words;
	bool names_dots; /* a dot has a sentence of its own */
} forms[] = {
	[NAME_SUBDOMAIN] = { SUBDOMAIN_MAX, "must be no more than 253 characters", is_subdomain_name, SUBDOMAIN_WORDS,
			     false },
	[NAME_LABEL] = { PART_MAX, "must be no more than 63 characters", is_label, LABEL_WORDS, false },
	[NAME_LABEL_1035] = { PART_MAX, "must be no more than 63 characters", is_label_1035, LABEL_1035_WORDS, false },
	[NAME_LABEL_NO_DOTS] = { PART_MAX, "must be no more than 63 characters", is_label, LABEL_WORDS, true },
};

void sim_validate_name(const char *field, const char *name, enum sim_name_form form, struct sim_causes *causes)
{
	if (strlen(name) > forms[form].max)
		sim_cause_text(causes, FAULT_INVALID, field, name, forms[form].too_long);
	else if (forms[form].names_dots && strchr(name, '.'))
		sim_cause_text(causes, FAULT_INVALID, field, name, "must not contain dots");
	if (strlen(name) <= forms[form].max && !(forms[form].names_dots && strchr(name, '.')) &&
	    !forms[form].valid(name))
		sim_cause_text(causes, FAULT_INVALID, field, name, forms[form].words);
}

/* ---- labels and annotations -------------------------------------------------------------------------------------- */

static void check_prefix(const char *field, const char *key, size_t len, struct sim_causes *causes)
{
	if (len == 0)
		sim_cause_text(causes, FAULT_INVALID, field, key, "prefix part must be non-empty");
	else if (len > SUBDOMAIN_MAX)
		sim_cause_text(causes, FAULT_INVALID, field, key, "prefix part must be no more than 253 bytes");
	else if (!is_subdomain(key, len))
		sim_cause_text(causes, FAULT_INVALID, field, key, "prefix part " SUBDOMAIN_WORDS);
}

static void check_key(const char *field, const char *key, const char *shown, struct sim_causes *causes)
{
	const char *slash = strchr(key, '/');
	const char *name = slash ? slash + 1 : key;

	if (strchr(name, '/')) {
		sim_cause_text(causes, FAULT_INVALID, field, shown,
			       "a valid label key " PART_WORDS " with an optional DNS subdomain prefix and '/' (e.g. "
			       "'example.com/MyName')");
		return;
	}
	if (slash)
		check_prefix(field, key, (size_t)(slash - key), causes);
	if (slash && slash == key)
		return;
	if (name[0] == '\0')
		sim_cause_text(causes, FAULT_INVALID, field, shown, "name part must be non-empty");
	else if (strlen(name) > PART_MAX)
		sim_cause_text(causes, FAULT_INVALID, field, shown, "name part must be no more than 63 bytes");
	if (!consists_of(name, strlen(name), ALNUM "-_.", ALNUM))
		sim_cause_text(causes, FAULT_INVALID, field, shown, "name part " PART_WORDS);
}

void sim_validate_labels(const char *field, const cJSON *labels, struct sim_causes *causes)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, labels) {
		const char *value = label->valuestring;

		check_key(field, label->string, label->string, causes);
		if (strlen(value) > PART_MAX)
			sim_cause_text(causes, FAULT_INVALID, field, value, "must be no more than 63 bytes");
		if (value[0] && !consists_of(value, strlen(value), ALNUM "-_.", ALNUM))
			sim_cause_text(causes, FAULT_INVALID, field, value, VALUE_WORDS);
	}
}

void sim_validate_annotations(const char *field, const cJSON *annotations, struct sim_causes *causes)
{
	const cJSON *annotation = NULL;
	size_t total = 0;

	cJSON_ArrayForEach (annotation, annotations) {
		check_key(field, annotation->string, annotation->string, causes);
		total += strlen(annotation->string) + strlen(annotation->valuestring);
	}
	if (total > ANNOTATIONS_MAX)
		sim_cause_add(causes, FAULT_TOO_LONG, field, NULL, "may not be more than 262144 bytes");
}

/* ---- the rest of metadata ---------------------------------------------------------------------------------------- */

static void check_owners(const cJSON *owners, struct sim_causes *causes)
{
	static const struct {
		const char *key;
		const char *field;
		const char *detail;
	} needed[] = {
		{ "apiVersion", "metadata.ownerReferences.apiVersion", "version must not be empty" },
		{ "kind", "metadata.ownerReferences.kind", "must not be empty" },
		{ "name", "metadata.ownerReferences.name", "must not be empty" },
		{ "uid", "metadata.ownerReferences.uid", "must not be empty" },
	};
	const cJSON *owner = NULL;

	cJSON_ArrayForEach (owner, owners) {
		for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
			const char *value = json_string_at(owner, needed[i].key);

			if (!value || !*value)
				sim_cause_text(causes, FAULT_INVALID, needed[i].field, "", needed[i].detail);
		}
	}
}

static void check_finalizers(const cJSON *finalizers, struct sim_causes *causes)
{
	static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion" };
	const cJSON *finalizer = NULL;
	char field[64];
	size_t index = 0;

	cJSON_ArrayForEach (finalizer, finalizers) {
		bool known = strchr(finalizer->valuestring, '/') != NULL;

		for (size_t i = 0; i < ARRAY_LEN(standard); i++)
			known = known || str_equal(standard[i], finalizer->valuestring);
		snprintf(field, sizeof(field), "metadata.finalizers[%zu]", index++);
		if (!known)
			sim_cause_text(causes, FAULT_INVALID, field, finalizer->valuestring,
				       "name is neither a standard finalizer name nor is it fully qualified");
	}
}

void sim_validate_metadata(const cJSON *tree, enum sim_name_form form, struct sim_causes *causes)
{
	const cJSON *metadata = json_get(tree, "metadata");
	const char *name = json_string_at(metadata, "name");

	if (!name || !*name)
		sim_cause_add(causes, FAULT_REQUIRED, "metadata.name", NULL, "name or generateName is required");
	else
		sim_validate_name("metadata.name", name, form, causes);
	check_owners(json_get(metadata, "ownerReferences"), causes);
	check_finalizers(json_get(metadata, "finalizers"), causes);
	sim_validate_labels("metadata.labels", json_get(metadata, "labels"), causes);
	sim_validate_annotations("metadata.annotations", json_get(metadata, "annotations"), causes);
}
