/*
 * The first record of a new container (protocol.h, MONITOR), so that DCM receives its DELETED event.
 */
#ifndef KUBE_WORKER_FIRST_RECORD_H
#define KUBE_WORKER_FIRST_RECORD_H

#include "kube-worker/container/root.h"

/*
 * Send it, unless the id already has a record; without waiting for the acknowledgement, as it is sent before the reply,
 * it is stored before the client knows of the container. Lost without JetStream.
 */
void first_record_send(const struct op_env *env, const char *id, const struct root *root);

#endif
