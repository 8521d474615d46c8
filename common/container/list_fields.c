#include "common/container/list_fields.h"

#include <string.h>

static const char *const names[LIST_FIELD_COUNT] = {
	[LIST_FIELD_ID] = "id",
	[LIST_FIELD_NAME] = "name",
	[LIST_FIELD_IMAGE] = "image",
	[LIST_FIELD_STATUS] = "status",
	[LIST_FIELD_CREATE_TIME] = "create_time",
};

enum list_field list_field_from_name(const char *name, size_t len)
{
	int field = 0;

	while (field < LIST_FIELD_COUNT && (strlen(names[field]) != len || memcmp(names[field], name, len) != 0))
		field++;
	return (enum list_field)field;
}

const char *list_field_text(const struct list_subject *subject, enum list_field field)
{
	switch (field) {
	case LIST_FIELD_ID:
		return subject->instance_id;
	case LIST_FIELD_NAME:
		return subject->spec_name;
	case LIST_FIELD_IMAGE:
		return subject->image;
	case LIST_FIELD_STATUS:
		return container_status_name(subject->status);
	case LIST_FIELD_CREATE_TIME:
	case LIST_FIELD_COUNT:
		break;
	}
	return "";
}

const char *list_field_label(const struct list_subject *subject, const char *key)
{
	size_t len = strlen(key);

	for (const char *label = subject->labels; *label; label += strlen(label) + 1)
		if (strncmp(label, key, len) == 0 && label[len] == '=')
			return label + len + 1;
	return NULL;
}
