/*
 * The control endpoint, /sim/...: for tests, to inject faults and inspect state. Not affected by faults, no token
 * required.
 */
#ifndef KUBESIM_CONTROL_H
#define KUBESIM_CONTROL_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/sim.h"

/* Count one request, so that tests can check the number of requests: "get", "deployments/scale". */
void sim_control_count(struct sim *sim, const char *verb, const char *resource);

/* Respond if the path is one of these; false: it is not, and the response is unchanged. */
bool sim_control_answer(struct sim *sim, const struct sim_request *request, struct sim_response *response);

#endif
