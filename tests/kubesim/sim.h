/*
 * Shared state of the simulator.
 */
#ifndef KUBESIM_SIM_H
#define KUBESIM_SIM_H

#include <pthread.h>

#include "tests/kubesim/options.h"
#include "tests/kubesim/store.h"

struct sim_faults;

struct sim {
	struct sim_options options;
	struct sim_store *store;
	struct sim_faults *faults;
	pthread_mutex_t counts_lock;
	cJSON *counts; /* of requests: {"get deployments": 3, ...} */
};

#endif
