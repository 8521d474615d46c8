/*
 * What the API server fills in when a client leaves it out, as far as clients or controllers look at it, and the form
 * that it gives to quantities.
 */
#ifndef KUBESIM_DEFAULTS_H
#define KUBESIM_DEFAULTS_H

#include "common/services/json.h"

/* What Deployments, StatefulSets and ReplicaSets have in common. */
void sim_default_workload(cJSON *tree);
void sim_default_deployment(cJSON *tree);
void sim_default_statefulset(cJSON *tree);
void sim_default_pod(cJSON *tree);
void sim_default_service(cJSON *tree);
void sim_default_namespace(cJSON *tree);
void sim_default_autoscaler(cJSON *tree);

#endif
