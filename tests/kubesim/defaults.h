/*
 * What the API server fills in when a client leaves it out, kind by kind, and the form it gives to quantities.
 */
#ifndef KUBESIM_DEFAULTS_H
#define KUBESIM_DEFAULTS_H

#include "common/services/json.h"

void sim_default_deployment(cJSON *tree);
void sim_default_replicaset(cJSON *tree);
void sim_default_pod(cJSON *tree);
void sim_default_service(cJSON *tree);
void sim_default_namespace(cJSON *tree);
void sim_default_event(cJSON *tree);

/*
 * The canonical form of a quantity ("1024Mi" becomes "1Gi", "0.5" "500m", "1000m" "1").
 * False, and `out` untouched, when `text` is no quantity.
 */
bool sim_quantity_canonical(const char *text, char *out, size_t out_size);

#endif
