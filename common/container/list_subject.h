/*
 * From a Container, as clients see it, what filters of lists look at. Pure.
 */
#ifndef COMMON_CONTAINER_LIST_SUBJECT_H
#define COMMON_CONTAINER_LIST_SUBJECT_H

#include "common/container/list_fields.h"
#include "common/services/json.h"

/*
 * Read it: the same that list_fields.h says of the container's root.
 *
 * container    a Container's JSON; what is missing or of a wrong type is empty.
 * ret_subject  owned by the caller; one block (free()).
 * Errors: RC_INVALID_ARGUMENT it has no id or no status of a container that exists; RC_TOO_LARGE, RC_NO_MEMORY.
 */
enum rc list_subject_read(const cJSON *container, struct list_subject **ret_subject, struct error *err) must_check;

#endif
