/*
 * Of the containers of a Pod template the one that is ours, by what the client wrote. Pure.
 */
#ifndef COMMON_CONTAINER_OWN_CONTAINER_H
#define COMMON_CONTAINER_OWN_CONTAINER_H

#include "common/services/json.h"

/* What the client wrote, as the root's annotation keeps it; owned by the caller. NULL: others made the root. */
cJSON *skeleton_read(const cJSON *root);

/*
 * The container that has the name which the client gave it: what `kubectl patch` adds comes before it. In a root that
 * others made it is the first; NULL: there is none. Belongs to the root.
 */
const cJSON *own_container(const cJSON *root, const cJSON *skeleton);

#endif
