/*
 * The control endpoint, /sim/...: how a test orders faults and looks inside. Faults do not strike it, and it asks for
 * no token.
 */
#ifndef KUBESIM_CONTROL_H
#define KUBESIM_CONTROL_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/sim.h"

/* Count one request, so that a test can say how many something may cost: "get", "deployments/scale". */
void sim_control_count(struct sim *sim, const char *verb, const char *resource);

/* Answer when the path is one of these; false: it is not, and the response is untouched. */
bool sim_control_answer(struct sim *sim, const struct sim_request *request, struct sim_response *response);

#endif
