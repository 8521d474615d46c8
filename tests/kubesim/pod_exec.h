/*
 * Commands in containers, which kubesim does not run: the command is printed on stderr (or the terminal), and stdin is
 * echoed to stdout until its end. The handshake of pods/exec is that of the API server.
 */
#ifndef KUBESIM_POD_EXEC_H
#define KUBESIM_POD_EXEC_H

#include "tests/kubesim/api.h"

/* GET .../pods/NAME/exec */
void sim_pod_exec(struct sim *sim, const struct sim_target *target, struct sim_request *request,
		  struct sim_response *response);

#endif
