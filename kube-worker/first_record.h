/*
 * The first record of a container that was made (protocol.h, MONITOR), so that DCM hears of its end.
 */
#ifndef KUBE_WORKER_FIRST_RECORD_H
#define KUBE_WORKER_FIRST_RECORD_H

#include "kube-worker/container/root.h"

/*
 * Send it, unless there is a record of the id already; no one waits for the acknowledgement: what is sent before the
 * reply is stored before the client can know of the container. Without JetStream it goes nowhere.
 */
void first_record_send(const struct op_env *env, const char *id, const struct root *root);

#endif
