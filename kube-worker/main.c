/*
 * kube-worker: executes container operations on Kubernetes. Any number of workers share the load (queue group).
 */
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "common/bus/bus_presence.h"
#include "common/bus/bus_service.h"
#include "common/container/cache_metrics.h"
#include "common/container/workload.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/services/metrics_process.h"
#include "common/services/program.h"
#include "common/version.h"
#include "kube-worker/config.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/dispatcher.h"
#include "kube-worker/repair/repair.h"
#include "kube-worker/streams/container_feed.h"
#include "kube-worker/streams/instance_watch.h"

#define SERVICE_NAME "kube-worker"
#define FIRST_LOOK_MS 100 /* the informers wait this long, because their TLS handshakes would delay it */
#define ARENAS_MAX 2      /* of malloc; one per thread would use memory without a benefit */

struct worker {
	struct worker_config config;
	struct ledger ledger;
	struct feed_count feeds;
	struct op_env env;
	struct kube_auth *auth;
	struct bus *bus;
	struct informer *informers[KUBE_KIND_COUNT];
	struct kube_health *health;
	struct sweeper *sweeper;
	struct dispatcher *dispatcher;
	struct repair *repair;
	struct bus_service *service;
	struct metrics metrics;
	struct metrics_server *metrics_server; /* NULL: none */
	char subjects[OPERATION_COUNT][PROTOCOL_SUBJECT_MAX];
	struct bus_endpoint endpoints[OPERATION_COUNT];
	struct bus_header metadata[1];
};

static void endpoint_stats(void *ctx, size_t index, struct bus_endpoint_stats *ret_stats)
{
	struct worker *worker = ctx;
	struct operation_counts counts;

	dispatcher_counts(worker->dispatcher, (enum operation)index, &counts);
	ret_stats->requests = counts.requests;
	ret_stats->errors = counts.errors;
	ret_stats->processing_ns = counts.processing_ns;
	memcpy(ret_stats->last_error, counts.last_error, sizeof(ret_stats->last_error));
}

static void endpoint_data(void *ctx, size_t index, struct json_writer *w)
{
	struct worker *worker = ctx;

	if (operation_row((enum operation)index)->reply == OPERATION_REPLY_STREAM) {
		json_int(w, "open", (int64_t)dispatcher_streams(worker->dispatcher));
		json_int(w, "max", worker->config.streams);
	}
}

static enum rc start_discovery(struct worker *worker, struct error *err)
{
	struct bus_service_options options = {
		.name = SERVICE_NAME,
		.description = "Executes container operations on Kubernetes",
		.version = version_text(),
		.metadata = worker->metadata,
		.metadata_count = ARRAY_LEN(worker->metadata),
		.endpoints = worker->endpoints,
		.endpoint_count = OPERATION_COUNT,
		.stats = endpoint_stats,
		.data = endpoint_data,
		.ctx = worker,
	};

	worker->metadata[0] = (struct bus_header){ PROTOCOL_METADATA_PROVIDER, worker->config.name };
	for (int op = 0; op < OPERATION_COUNT; op++) {
		const char *name = operation_name((enum operation)op);

		protocol_operation_subject(worker->config.name, name, worker->subjects[op]);
		worker->endpoints[op] = (struct bus_endpoint){ name, worker->subjects[op], PROTOCOL_QUEUE };
	}
	return bus_service_create(worker->bus, &options, &worker->service, err);
}

static enum rc start_informers(struct worker *worker, struct error *err)
{
	struct informer_listener listener = kube_cache_listener(worker->env.cache);
	unsigned kinds = workload_root_kinds() | container_gather_kinds() | workload_owned_kinds();
	enum rc rc = RC_OK;

	for (int kind = 0; !rc && kind < KUBE_KIND_COUNT; kind++)
		if (kinds & 1u << kind)
			rc = informer_create(worker->auth, worker->config.namespace, (enum kube_kind)kind,
					     INFORMER_AUTO, &listener, &worker->informers[kind], err);
	return rc;
}

static enum rc start_operations(struct worker *worker, struct error *err)
{
	struct dispatcher_parts parts = {
		.env = &worker->env,
		.concurrency = (size_t)worker->config.concurrency,
		.streams = (size_t)worker->config.streams,
		.bus = worker->bus,
		.auth = worker->auth,
		.health = worker->health,
	};
	enum rc rc;

	ledger_init(&worker->ledger, worker->env.caller, worker->config.name, worker->config.nats_replicas);
	worker->env.ledger = &worker->ledger;
	rc = sweeper_create(&worker->env, worker->auth, &worker->sweeper, err);
	parts.sweeper = worker->sweeper;
	return rc ? rc : dispatcher_create(&parts, &worker->dispatcher, err);
}

static void collect_metrics(void *ctx)
{
	struct worker *worker = ctx;
	struct worker_load load = dispatcher_load(worker->dispatcher);

	metrics_process_collect();
	worker_metrics_load(&load);
	cache_metrics_set(kube_cache_size(worker->env.cache));
}

static enum rc start_metrics(struct worker *worker, struct error *err)
{
	worker->metrics = (struct metrics){ .lists = worker_metrics, .collect = collect_metrics, .ctx = worker };
	return metrics_server_create(&worker->config.metrics, &worker->metrics, &worker->metrics_server, err);
}

/* Requests are served first; operations do not depend on the cache, which the informers fill later. */
static enum rc start_parts(struct worker *worker, struct error *err)
{
	struct bus_options bus = {
		.access = &worker->config.nats,
		.client_name = "kube-worker",
	};
	enum rc rc = kube_auth_create(&worker->config.kube, &worker->auth, err);

	worker->env.resource = RESOURCE_CONTAINER;
	worker->env.provider = worker->config.name;
	worker->env.namespace = worker->config.namespace;
	worker->env.external_service_type = worker->config.external_service_type;
	worker->env.status_rules = status_rules_make(worker->config.failed_grace_ms, worker->config.scaled_to_zero);
	worker->env.auth = worker->auth;
	worker->env.feeds = &worker->feeds;
	feed_count_init(&worker->feeds);
	if (!rc)
		rc = kube_health_create(worker->auth, &worker->health, err);
	if (!rc)
		rc = bus_connect(&bus, &worker->bus, err);
	if (!rc)
		rc = bus_caller_create(worker->bus, &worker->env.caller, err);
	if (!rc)
		rc = kube_cache_create(worker->env.resource, &worker->env.cache, err);
	if (!rc)
		rc = instance_watch_create(worker->env.cache, &worker->env.watch, err);
	if (!rc)
		rc = start_operations(worker, err);
	if (!rc)
		rc = start_discovery(worker, err);
	if (!rc) {
		kube_health_wait_first(worker->health, FIRST_LOOK_MS);
		rc = start_informers(worker, err);
	}
	if (!rc)
		rc = repair_create(&worker->env, worker->auth, &worker->repair, err);
	if (!rc)
		rc = start_metrics(worker, err);
	return rc;
}

static enum rc start(void *ctx, struct error *err)
{
	struct worker *worker = ctx;
	enum rc rc;

	mallopt(M_ARENA_MAX, ARENAS_MAX);
	rc = start_parts(worker, err);
	if (rc)
		return rc;
	log_info("ready", log_str("version", version_text()), log_str("namespace", worker->config.namespace),
		 log_num("concurrency", worker->config.concurrency), log_num("streams", worker->config.streams));
	lifecycle_notify_ready();
	return RC_OK;
}

/*
 * Stop users before the parts they use. Returns false if operations are still running after the shutdown timeout: then
 * nothing is freed, as their threads use it.
 */
static bool stop_parts(struct worker *worker)
{
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		if (worker->informers[kind])
			informer_stop(worker->informers[kind]);
	if (worker->dispatcher && !dispatcher_drain(worker->dispatcher, worker->config.shutdown_timeout_ms))
		return false;
	metrics_server_destroy(worker->metrics_server);
	sweeper_destroy(worker->sweeper);
	repair_destroy(worker->repair);
	kube_health_destroy(worker->health);
	bus_destroy(worker->bus); /* the last discovery callbacks read the dispatcher's counts */
	bus_service_destroy(worker->service);
	dispatcher_destroy(worker->dispatcher);
	feed_count_wait(&worker->feeds);
	bus_caller_destroy(worker->env.caller);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		informer_destroy(worker->informers[kind]);
	instance_watch_destroy(worker->env.watch);
	kube_cache_destroy(worker->env.cache);
	kube_auth_destroy(worker->auth);
	return true;
}

static int stop(void *ctx)
{
	struct worker *worker = ctx;

	lifecycle_begin_stop(worker->config.shutdown_timeout_ms, 0);
	log_info("stopping: waiting for running operations");
	if (!stop_parts(worker)) {
		log_warn("shutdown timeout expired with running operations");
		_exit(0);
	}
	return 0;
}

static int tell_health(void *ctx)
{
	struct worker *worker = ctx;

	return bus_presence_tell(&worker->config.nats, SERVICE_NAME, worker->config.name);
}

int main(int argc, char **argv)
{
	struct worker worker = { 0 };
	const struct program program = {
		.config = &worker_program,
		.into = &worker.config,
		.health = tell_health,
		.start = start,
		.stop = stop,
		.ctx = &worker,
	};

	return program_run(&program, argc, argv);
}
