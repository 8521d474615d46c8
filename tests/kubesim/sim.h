/*
 * The simulator as a whole: what its parts share. Holds no function.
 */
#ifndef KUBESIM_SIM_H
#define KUBESIM_SIM_H

#include "tests/kubesim/options.h"
#include "tests/kubesim/store.h"

struct sim_faults;
struct sim_counters;

struct sim {
	struct sim_options options;
	struct sim_store *store;
	struct sim_faults *faults;
	struct sim_counters *counters;
};

#endif
