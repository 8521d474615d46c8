/*
 * Extracts the fields for list filters from the JSON of a Container. Pure.
 */
#ifndef COMMON_CONTAINER_LIST_SUBJECT_H
#define COMMON_CONTAINER_LIST_SUBJECT_H

#include "common/container/list_fields.h"
#include "common/services/json.h"

/*
 * Read the fields of list_fields.h.
 *
 * container    a Container's JSON; members that are missing or of a wrong type are empty.
 * ret_subject  owned by the caller; one block (free()).
 * Errors: RC_INVALID_ARGUMENT no id, or no status of an existing container; RC_TOO_LARGE, RC_NO_MEMORY.
 */
enum rc list_subject_read(const cJSON *container, struct list_subject **ret_subject, struct error *err) must_check;

#endif
