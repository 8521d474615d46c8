/*
 * Cluster resources of Services: address, node ports, and load balancer.
 */
#ifndef KUBESIM_SERVICES_H
#define KUBESIM_SERVICES_H

#include "tests/kubesim/sim.h"

struct sim_causes;

/* Set a member to the next address of a network ("10.96"). Safe in every thread. */
void sim_set_next_ip(cJSON *object, const char *key, const char *network);

/* For the table of kinds: see struct sim_kind. */
void sim_service_allocate(struct sim *sim, cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_control_service(struct sim *sim, struct sim_object *object);

#endif
