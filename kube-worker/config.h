/*
 * The configuration of the worker.
 */
#ifndef KUBE_WORKER_CONFIG_H
#define KUBE_WORKER_CONFIG_H

#include "common/bus/bus_access.h"
#include "common/http/metrics_server.h"
#include "common/kube/kube_auth.h"

struct worker_config {
	const char *name;
	struct bus_access nats;
	struct metrics_access metrics;
	int64_t nats_replicas; /* as for bus_bucket_open() */
	const char *log_level;
	const char *log_format;
	const char *namespace;
	struct kube_access kube;
	const char *external_service_type;
	int64_t failed_grace_ms;
	const char *scaled_to_zero;
	int64_t concurrency;
	int64_t streams;
	int64_t shutdown_timeout_ms;
};

extern const struct config_program worker_program;

#endif
