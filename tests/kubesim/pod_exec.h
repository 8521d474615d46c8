/*
 * Commands in containers, of which kubesim runs none: what it is asked to run is said on stderr (with a terminal:
 * there), and stdin comes back on stdout until it ends. pods/exec begins as the API server's does.
 */
#ifndef KUBESIM_POD_EXEC_H
#define KUBESIM_POD_EXEC_H

#include "tests/kubesim/api.h"

/* GET .../pods/NAME/exec */
void sim_pod_exec(struct sim *sim, const struct sim_target *target, struct sim_request *request,
		  struct sim_response *response);

#endif
