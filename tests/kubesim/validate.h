/*
 * Validation as in the API server, with its reasons and fields, of the members in schema.h.
 */
#ifndef KUBESIM_VALIDATE_H
#define KUBESIM_VALIDATE_H

#include "tests/kubesim/status.h"

/* Collect the faults of an object to be stored instead of `old`, which is NULL on create. */
void sim_validate(const struct sim_kind *kind, const cJSON *tree, const cJSON *old, struct sim_causes *causes);

/* For the table of kinds: kind-specific rules. */
void sim_validate_pod(const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_workload(const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_statefulset(const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_autoscaler(const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_service(const cJSON *tree, const cJSON *old, struct sim_causes *causes);

#endif
