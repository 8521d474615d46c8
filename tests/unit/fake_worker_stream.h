/*
 * worker_stream.h for the source of a stream without streams.h, for unit tests that are the loop themselves. It wraps
 * worker_stream_kube() and worker_stream_wake() (Makefile, UNIT_WRAPPED).
 */
#ifndef TESTS_UNIT_FAKE_WORKER_STREAM_H
#define TESTS_UNIT_FAKE_WORKER_STREAM_H

#include "kube-worker/streams/worker_stream.h"

/* From now on, streams use this; waking one has no effect. */
void fake_worker_stream_use(struct kube_flow *flow);

#endif
