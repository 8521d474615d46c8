/*
 * metrics.k8s.io: usage of running Pods, derived from their names, in the format of metrics-server.
 */
#ifndef KUBESIM_METRICS_H
#define KUBESIM_METRICS_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/sim.h"

struct sim_target;

/* Answer a list of PodMetrics. */
void sim_metrics_list(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);

#endif
