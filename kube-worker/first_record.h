/*
 * The first record of a container, for the monitors: made by the worker that made the container, so that its end is
 * reported even when no monitor was active during its whole life.
 */
#ifndef KUBE_WORKER_FIRST_RECORD_H
#define KUBE_WORKER_FIRST_RECORD_H

#include "kube-worker/op.h"

/*
 * Put {id, name = id, PENDING, the Deployment's version} into the bucket of the provider unless it holds a record of the
 * container. Waits for no answer: without a bucket (no JetStream, or no monitor has ever run) the record goes nowhere, and
 * a record that is there already stays as it is.
 *
 * deployment  as Kubernetes answered; borrowed.
 *
 * Source: NATS ADR-8 (key-value buckets); the header Nats-Expected-Last-Subject-Sequence: 0 demands an empty key.
 */
void first_record_leave(const struct op_env *env, const char *id, const cJSON *deployment);

#endif
