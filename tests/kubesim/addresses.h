/*
 * What Services hold of the cluster: their address, and their ports on the nodes. Given out at random, given back when
 * the Service is gone.
 */
#ifndef KUBESIM_ADDRESSES_H
#define KUBESIM_ADDRESSES_H

#include "tests/kubesim/sim.h"
#include "tests/kubesim/status.h"

struct sim_addresses *sim_addresses_create(void);
void sim_addresses_destroy(struct sim_addresses *a);

/* For the table of kinds: see struct sim_kind. */
void sim_service_allocate(struct sim *sim, cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_service_release(struct sim *sim, const cJSON *tree);

#endif
