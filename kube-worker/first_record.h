/*
 * The first record of a container, for the monitors: made by the worker that made the container, so that its end is
 * reported even when no monitor was active during its whole life.
 */
#ifndef KUBE_WORKER_FIRST_RECORD_H
#define KUBE_WORKER_FIRST_RECORD_H

#include "kube-worker/op.h"

/*
 * Put {id, name = id, PENDING, the Deployment's version} into the bucket of the provider unless it holds a record of the
 * container. Before the answer to the create: who has seen a 201 may rely on the record. What cannot be put in time is
 * given up with a warning: a container matters more than its record. Without JetStream nothing is kept.
 *
 * deployment   as Kubernetes answered; borrowed.
 * deadline_ms  clock_mono_ms().
 * Blocks: until the server has it, usually well below a millisecond; 1 s at most, and 1.5 s when the bucket is missing.
 *
 * Source: NATS ADR-8 (key-value buckets).
 */
void first_record_leave(const struct op_env *env, const char *id, const cJSON *deployment, int64_t deadline_ms);

#endif
