/*
 * Event objects, as `kubectl describe` shows them. Their number is limited; the oldest are removed.
 */
#ifndef KUBESIM_EVENTS_H
#define KUBESIM_EVENTS_H

#include "tests/kubesim/sim.h"

/* Record an event about an object. Only on the controllers' thread. */
void sim_event(struct sim *sim, const struct sim_object *about, bool normal, const char *reason, const char *component,
	       const char *message);

#endif
