/*
 * The fields by which lists can be filtered and ordered. Pure.
 */
#ifndef COMMON_CONTAINER_LIST_FIELDS_H
#define COMMON_CONTAINER_LIST_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/container/container_status.h"

enum list_field {
	LIST_FIELD_ID,
	LIST_FIELD_NAME,
	LIST_FIELD_IMAGE,
	LIST_FIELD_STATUS,
	LIST_FIELD_CREATE_TIME,
	LIST_FIELD_COUNT
};

#define LIST_IMAGE_MAX 1024 /* bytes of an image that are compared, with the NUL */

/* The fields of a container for a list; borrowed. */
struct list_subject {
	const char *name; /* of its root; the final sort key */
	const char *instance_id;
	const char *spec_name;
	const char *image;
	const char *labels; /* "key=value" of the clients' labels, each with a NUL; terminated by an empty one */
	int64_t created_ms; /* wall clock */
	enum container_status status;
};

/* The field with that name; LIST_FIELD_COUNT: none. `len`: bytes of the name. */
enum list_field list_field_from_name(const char *name, size_t len);

/* The value of a text field (all except create_time); never NULL. Owned by the subject. */
const char *list_field_text(const struct list_subject *subject, enum list_field field);

/* The value of a label, except reserved ones; NULL: none. */
const char *list_field_label(const struct list_subject *subject, const char *key);

#endif
