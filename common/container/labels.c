#include "common/container/labels.h"

#include <string.h>

#include "common/base/strutil.h"

#define LABEL_PART_MAX 63    /* bytes of a value, or of the name in a key */
#define LABEL_PREFIX_MAX 253 /* bytes of the prefix in a key: RFC 1123 subdomain */

#define LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM LOWER_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const char *labels_selector(enum resource_type type)
{
	static const char *const selectors[RESOURCE_TYPE_COUNT] = {
#define SELECTOR(upper, name, ...) \
	[RESOURCE_##upper] = LABEL_MANAGED_BY "=" LABEL_MANAGED_BY_VALUE "," LABEL_SERVICE_TYPE "=" name,
		RESOURCE_ROWS(SELECTOR)
#undef SELECTOR
	};

	return selectors[type];
}

bool label_is_reserved(const char *key)
{
	return str_equal(key, LABEL_MANAGED_BY) || str_equal(key, LABEL_INSTANCE_ID) ||
	       str_equal(key, LABEL_SERVICE_TYPE);
}

bool labels_are_of(const cJSON *object, const char *id)
{
	const cJSON *labels = json_at(object, "metadata.labels");
	const char *type = resource_row(RESOURCE_CONTAINER)->name;

	return str_equal(cJSON_GetStringValue(json_get(labels, LABEL_MANAGED_BY)), LABEL_MANAGED_BY_VALUE) &&
	       str_equal(cJSON_GetStringValue(json_get(labels, LABEL_SERVICE_TYPE)), type) &&
	       str_equal(cJSON_GetStringValue(json_get(labels, LABEL_INSTANCE_ID)), id);
}

bool labels_are_live(const cJSON *object, const char *id)
{
	return labels_are_of(object, id) && !json_at(object, "metadata.deletionTimestamp");
}

/* 1..63 bytes of [A-Za-z0-9._-] with a letter or digit at both ends. */
static bool is_qualified_part(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= LABEL_PART_MAX && strspn(text, ALNUM "-_.") == len && strspn(text, ALNUM) >= 1 &&
	       strchr(ALNUM, text[len - 1]);
}

/* Labels of [a-z0-9-] that begin and end with a letter or digit, joined by dots. */
static bool is_subdomain(const char *text, size_t len)
{
	bool inside = false; /* the previous byte was a letter or digit */
	bool dash = false;   /* the previous byte was '-' */

	if (len == 0 || len > LABEL_PREFIX_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' || text[i] == '-') {
			bool joins = text[i] == '-' ? inside || dash : inside;

			if (!joins)
				return false;
			dash = text[i] == '-';
			inside = false;
		} else if (strchr(LOWER_ALNUM, text[i])) {
			inside = true;
			dash = false;
		} else {
			return false;
		}
	}
	return inside;
}

const char *label_key_fault(const char *key)
{
	const char *slash = strchr(key, '/');

	if (slash && !is_subdomain(key, (size_t)(slash - key)))
		return "the part before '/' must be a lower-case DNS subdomain of at most 253 characters";
	if (!is_qualified_part(slash ? slash + 1 : key))
		return "a label key's name must be 1 to 63 letters, digits, '-', '_' or '.', with a letter or digit at "
		       "both ends";
	return NULL;
}

const char *label_value_fault(const char *value)
{
	if (value[0] != '\0' && !is_qualified_part(value))
		return "a label value must be empty, or at most 63 letters, digits, '-', '_' or '.', with a letter or "
		       "digit "
		       "at both ends";
	return NULL;
}
