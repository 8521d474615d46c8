/*
 * The scale subresource: a view of spec.replicas.
 */
#ifndef KUBESIM_SCALE_H
#define KUBESIM_SCALE_H

#include "common/services/json_write.h"
#include "tests/kubesim/object.h"

/* Append the Scale of a Deployment or ReplicaSet. */
void sim_scale_write(const struct sim_object *object, struct buf *out);

/* The same as a tree that the caller frees. */
cJSON *sim_scale_tree(const struct sim_object *object);

#endif
