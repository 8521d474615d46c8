/*
 * api-svc: the REST API. HTTP to clients, NATS to kube-workers; stateless.
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api-svc/api.h"
#include "api-svc/config.h"
#include "api-svc/document/openapi.h"
#include "api-svc/health_command.h"
#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_client.h"
#include "api-svc/router.h"
#include "common/base/clock.h"
#include "common/base/memory_budget.h"
#include "common/bus/bus_service.h"
#include "common/http/listen.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/services/program.h"
#include "common/version.h"

#define LISTEN_BACKLOG 1024
#define FILES_BESIDE_CONNECTIONS 256 /* NATS, epoll, logs, and the reserve of http_server.h */
#define WATCHES_SHARE 2              /* 1/n of the memory for the list of watchers */
#define POLL_MS 10                   /* poll interval during shutdown */
#define LAST_ANSWERS_MS 500          /* to send the final 503 responses */
#define NATS_WRITE_TIMEOUT_MS 400    /* may block health requests, which must respond within 1 s */
#define UNDO_RESERVE_MS 1000         /* reserved of the shutdown timeout, at most a quarter */

struct process {
	struct api_config config;
	struct openapi *openapi;
	struct worker_client *client;
	struct stream_answers *streams;
	struct watches *watches;
	struct api *api;
	struct http_server *server;
	struct tls *tls; /* NULL: plain HTTP */
	struct bus *bus;
	struct bus_service *service;
	struct bus_header metadata[1];
};

/*
 * Few arenas for few threads; blocks of the size of a connection's memory, or larger, are returned to the system when
 * freed.
 */
static void set_up_memory(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 12 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
}

/* The requested number of connections, limited by the number of open files. */
static size_t connections_within_limits(size_t wanted)
{
	rlim_t need = (rlim_t)wanted + FILES_BESIDE_CONNECTIONS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return wanted;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			(void)getrlimit(RLIMIT_NOFILE, &limit); /* use the current limit */
	}
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= need)
		return wanted;
	wanted = limit.rlim_cur > 2 * FILES_BESIDE_CONNECTIONS ? limit.rlim_cur - FILES_BESIDE_CONNECTIONS
							       : limit.rlim_cur / 2;
	log_warn("fewer connections than SP_SERVER_MAX_CONNECTIONS: limited by the number of open files",
		 log_num("connections", (int64_t)wanted), log_num("open_files", (int64_t)limit.rlim_cur));
	return wanted;
}

static void on_nats_state(void *ctx, bool connected)
{
	struct process *p = ctx;

	if (!connected)
		worker_client_on_lost(p->client);
}

static enum rc load_document(struct process *p, struct error *err)
{
	size_t len;
	const char *text = openapi_embedded(&len);
	enum rc rc = openapi_load(text, len, &p->openapi, err);

	return rc ? rc : router_check(p->openapi, err);
}

static enum rc start_http(struct process *p, struct error *err)
{
	const struct api_config *c = &p->config;
	char shown[LISTEN_TEXT_MAX];
	struct http_server_options options = {
		.listen_fd = -1,
		.threads = (unsigned)c->threads,
		.max_connections = connections_within_limits((size_t)c->max_connections),
		.max_body = (size_t)c->max_body,
		.read_timeout_ms = c->read_timeout_ms,
		.write_timeout_ms = c->write_timeout_ms,
		.idle_timeout_ms = c->idle_timeout_ms,
		.admit = api_admit,
		.handle = api_handle,
		.finish = api_finish,
		.ctx = p->api,
	};
	enum rc rc = RC_OK;

	memory_budget_set((size_t)c->memory);
	if (c->tls.certificate[0])
		rc = tls_create(&c->tls, c->read_timeout_ms, &p->tls, err);
	if (rc)
		return rc;
	rc = listen_open(API_ADDRESS_VARIABLE, c->address, LISTEN_BACKLOG, &options.listen_fd, shown, err);
	if (rc)
		return rc;
	options.tls = p->tls;
	if (c->tokens_file[0] && !p->tls)
		log_warn("bearer tokens are accepted over plain HTTP: protect the network, or configure TLS");
	rc = http_server_create(&options, &p->server, err);
	if (rc) {
		close(options.listen_fd);
		return rc;
	}
	api_set_server(p->api, p->server);
	rc = http_server_start(p->server, err);
	if (!rc)
		log_info("listening", log_str("address", shown), log_str("version", version_text()),
			 log_str("scheme", p->tls ? "https" : "http"));
	return rc;
}

/* Presence only, for the registrar; api-svc handles no requests over NATS. */
static enum rc start_presence(struct process *p, struct error *err)
{
	struct bus_service_options options = {
		.name = PROTOCOL_API_SERVICE,
		.description = "The REST API of the provider",
		.version = version_text(),
		.metadata = p->metadata,
		.metadata_count = ARRAY_LEN(p->metadata),
	};

	p->metadata[0] = (struct bus_header){ PROTOCOL_METADATA_PROVIDER, p->config.name };
	return bus_service_create(p->bus, &options, &p->service, err);
}

static enum rc start_nats(struct process *p, struct error *err)
{
	struct bus_options options = {
		.access = &p->config.nats,
		.client_name = "api-svc",
		.write_timeout_ms = NATS_WRITE_TIMEOUT_MS,
		.on_state = on_nats_state,
		.ctx = p,
	};
	enum rc rc = bus_connect(&options, &p->bus, err);

	if (!rc)
		rc = stream_answers_connect(p->streams, p->bus, err);
	if (rc)
		return rc;
	watches_set_hub(p->watches, stream_answers_hub(p->streams));
	rc = worker_client_connect(p->client, p->bus, err);
	return rc ? rc : start_presence(p, err);
}

/* HTTP first: connecting to NATS may take a while, which health reports. */
static enum rc start(void *ctx, struct error *err)
{
	struct process *p = ctx;
	enum rc rc;

	set_up_memory();
	rc = load_document(p, err);
	if (!rc)
		rc = worker_client_create(p->config.name, p->config.worker_wait_ms, &p->client, err);
	if (!rc)
		rc = stream_answers_create(&p->streams, err);
	if (!rc)
		rc = watches_create(p->client, p->config.request_timeout_ms, (size_t)p->config.memory / WATCHES_SHARE,
				    &p->watches, err);
	if (!rc)
		rc = api_create(&p->config, p->openapi, p->client, p->streams, p->watches, &p->api, err);
	if (rc)
		return rc;
	stream_answers_set_guest(p->streams, watches_turn, p->watches);
	rc = start_http(p, err);
	if (rc)
		return rc;
	lifecycle_notify_ready();
	return start_nats(p, err);
}

static void wait_for_connections(struct process *p, int64_t until_ms)
{
	while (http_server_connections(p->server) > 0 && clock_mono_ms() < until_ms)
		clock_sleep_ms(POLL_MS);
}

/* Wait for running requests within the shutdown timeout; the rest receives 503. Streams end immediately. */
static void drain(struct process *p)
{
	int64_t timeout = p->config.shutdown_timeout_ms;
	int64_t until = clock_mono_ms() + timeout;
	int64_t reserve = timeout / 4 < UNDO_RESERVE_MS ? timeout / 4 : UNDO_RESERVE_MS;

	http_server_drain(p->server);
	watches_end(p->watches);
	stream_answers_end(p->streams);
	wait_for_connections(p, until - reserve);
	worker_client_cancel(p->client, false);
	wait_for_connections(p, clock_mono_ms() + LAST_ANSWERS_MS);
	http_server_stop(p->server); /* undoes creates whose clients have not read their response */
	worker_client_hurry(p->client);
	while (worker_client_open(p->client, OPERATION_UNDO) > 0 && clock_mono_ms() < until)
		clock_sleep_ms(POLL_MS);
	worker_client_cancel(p->client, true);
}

static int stop(void *ctx)
{
	struct process *p = ctx;

	lifecycle_begin_stop(p->config.shutdown_timeout_ms, 0);
	log_info("stopping");
	drain(p);
	worker_client_stop(p->client);
	stream_answers_stop(p->streams);
	bus_destroy(p->bus);
	bus_service_destroy(p->service);
	http_server_destroy(p->server);
	tls_destroy(p->tls);
	api_destroy(p->api);
	worker_client_destroy(p->client);
	stream_answers_destroy(p->streams);
	watches_destroy(p->watches);
	openapi_destroy(p->openapi);
	return 0;
}

static int tell_health(void *ctx)
{
	struct process *p = ctx;

	return health_command_run(p->config.address, p->config.tls.certificate[0] != '\0');
}

int main(int argc, char **argv)
{
	struct process process = { 0 };
	const struct program program = {
		.config = &api_config_program,
		.into = &process.config,
		.health = tell_health,
		.start = start,
		.stop = stop,
		.ctx = &process,
	};

	return program_run(&program, argc, argv);
}
