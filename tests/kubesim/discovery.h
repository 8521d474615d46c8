/*
 * Discovery: version, health, API groups and resources. Generated from the table of kinds.
 */
#ifndef KUBESIM_DISCOVERY_H
#define KUBESIM_DISCOVERY_H

#include "tests/kubesim/http.h"

/* Respond if the path is one of these; false: it is not, and the response is unchanged. */
bool sim_discovery_answer(const struct sim_request *request, struct sim_response *response);

/* Whether the path requires no token. */
bool sim_discovery_is_public(const char *path);

#endif
