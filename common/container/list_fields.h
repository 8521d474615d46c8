/*
 * What lists can be filtered and ordered by: the fields of a container, by their names. Pure.
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

#define LIST_IMAGE_MAX 1024 /* bytes of an image that are looked at, with the NUL */

/* A container as a list looks at it; borrowed. */
struct list_subject {
	const char *name; /* of its root; decides between containers that are equal otherwise */
	const char *instance_id;
	const char *spec_name;
	const char *image;
	const char *labels; /* "key=value" of those of clients, each with a NUL; an empty one ends them */
	int64_t created_ms; /* wall clock */
	enum container_status status;
};

/* The field of that name; LIST_FIELD_COUNT: there is none. `len`: bytes of the name. */
enum list_field list_field_from_name(const char *name, size_t len);

/* The value of a field that is a text (all but create_time); never NULL. Belongs to the subject. */
const char *list_field_text(const struct list_subject *subject, enum list_field field);

/* The value of a label that the client may see; NULL: it has none. */
const char *list_field_label(const struct list_subject *subject, const char *key);

#endif
