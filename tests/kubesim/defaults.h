/*
 * Defaults set by the API server, as far as clients or controllers use them, and the canonical form of quantities.
 */
#ifndef KUBESIM_DEFAULTS_H
#define KUBESIM_DEFAULTS_H

#include "common/services/json.h"

/* Common to Deployments, StatefulSets and ReplicaSets. */
void sim_default_workload(cJSON *tree);
void sim_default_deployment(cJSON *tree);
void sim_default_statefulset(cJSON *tree);
void sim_default_pod(cJSON *tree);
void sim_default_service(cJSON *tree);
void sim_default_namespace(cJSON *tree);
void sim_default_autoscaler(cJSON *tree);

#endif
