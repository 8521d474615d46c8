/*
 * How often each verb was asked of each resource, so that a test can say how many calls something may cost.
 */
#ifndef KUBESIM_COUNTERS_H
#define KUBESIM_COUNTERS_H

#include "common/services/json_write.h"

struct sim_counters;

struct sim_counters *sim_counters_create(void);
void sim_counters_destroy(struct sim_counters *c);

/* Count one request: "get", "deployments/scale". */
void sim_counters_add(struct sim_counters *c, const char *verb, const char *resource);

/* Write {"get deployments": 3, ...} under `key`. */
void sim_counters_write(struct sim_counters *c, struct json_writer *w, const char *key);

/* Begin again at 0. */
void sim_counters_reset(struct sim_counters *c);

#endif
