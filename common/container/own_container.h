/*
 * Finds the container of the spec among the containers of a Pod template. Pure.
 */
#ifndef COMMON_CONTAINER_OWN_CONTAINER_H
#define COMMON_CONTAINER_OWN_CONTAINER_H

#include "common/services/json.h"

/* The client's spec as stored in the root's annotation; owned by the caller. NULL: a root of another program. */
cJSON *own_container_skeleton(const cJSON *root);

/*
 * The container with the client's name, as `kubectl patch` inserts others before it. In a root of another program the
 * first one; NULL: none. Owned by the root.
 */
const cJSON *own_container(const cJSON *root, const cJSON *skeleton);

#endif
