#include "api-svc/config.h"

#include "api-svc/origin.h"
#include "common/base/compiler.h"
#include "common/http/access.h"
#include "common/http/listen.h"
#include "common/protocol.h"

#define DAY_MS 86400000

#define MEMBER(member) offsetof(struct api_config, member)

static const char *const switches[] = { "false", "true", NULL };

/* clang-format off */
static const struct config_row rows[] = {
	CONFIG_ROW_NAME(struct api_config),
	CONFIG_ROWS_NATS(struct api_config),
	CONFIG_ROWS_LOG(struct api_config),
	{ .env = API_ADDRESS_VARIABLE, .offset = MEMBER(address), .fallback = ":8080",
	  .valid = config_is_address, .form = "host:port, [v6]:port or :port",
	  .help = "Listen address; without a host on all addresses, IPv4 and IPv6" },
	{ .env = "SP_SERVER_TLS_CERT", .offset = MEMBER(tls.certificate), .fallback = "",
	  .help = "PEM file of the server certificate, read again when it changes; empty: plain HTTP" },
	{ .env = "SP_SERVER_TLS_KEY", .offset = MEMBER(tls.key), .fallback = "", .help = "PEM file of its key" },
	{ .env = "SP_SERVER_TLS_CLIENT_CA", .offset = MEMBER(tls.client_ca), .fallback = "",
	  .help = "PEM file of CA certificates for clients; empty: no client certificates required" },
	{ .env = API_TOKENS_VARIABLE, .offset = MEMBER(tokens_file), .fallback = "",
	  .help = "File of bearer tokens for clients, read again when it changes; empty: no tokens required" },
	{ .env = ORIGIN_LIST_VARIABLE, .offset = MEMBER(origins), .fallback = "",
	  .valid = origin_is_list, .form = ORIGIN_LIST_FORM,
	  .help = "Origins of web pages that may send writes; includes our own if used by name, without TLS and tokens" },
	{ .env = "SP_EXEC", .offset = MEMBER(exec), .fallback = "false", .choices = switches,
	  .help = "Whether clients may run commands in containers: true or false; with tokens, those marked exec" },
	CONFIG_ROW_METRICS_TOKENS(struct api_config),
	{ .env = "SP_SERVER_SHUTDOWN_TIMEOUT", .type = CONFIG_DURATION, .offset = MEMBER(shutdown_timeout_ms),
	  .fallback = "15s", .max = DAY_MS,
	  .help = "Time for running requests to finish on SIGTERM" },
	{ .env = "SP_SERVER_READ_TIMEOUT", .type = CONFIG_DURATION, .offset = MEMBER(read_timeout_ms),
	  .fallback = "15s", .min = 10, .max = DAY_MS,
	  .help = "Maximum time to receive a request" },
	{ .env = "SP_SERVER_WRITE_TIMEOUT", .type = CONFIG_DURATION, .offset = MEMBER(write_timeout_ms),
	  .fallback = "15s", .min = 10, .max = DAY_MS,
	  .help = "Maximum time to send a response" },
	{ .env = "SP_SERVER_IDLE_TIMEOUT", .type = CONFIG_DURATION, .offset = MEMBER(idle_timeout_ms),
	  .fallback = "60s", .min = 10, .max = DAY_MS,
	  .help = "Maximum idle time of a connection" },
	{ .env = "SP_SERVER_REQUEST_TIMEOUT", .type = CONFIG_DURATION, .offset = MEMBER(request_timeout_ms),
	  .fallback = "30s", .min = 10, .max = DAY_MS,
	  .help = "Maximum time for a request; then 504" },
	{ .env = "SP_SERVER_WORKER_WAIT", .type = CONFIG_DURATION, .offset = MEMBER(worker_wait_ms),
	  .fallback = "3s", .max = DAY_MS,
	  .help = "Maximum time to wait for a worker or NATS; then 503" },
	{ .env = "SP_AGENT_NAME", .offset = MEMBER(agent_name), .fallback = "",
	  .valid = protocol_is_agent_name, .form = PROTOCOL_AGENT_NAME_FORM,
	  .help = "DCM environment agent that sends creates; the ids are read from its requests in JetStream" },
	{ .env = "SP_SERVER_THREADS", .type = CONFIG_INT, .offset = MEMBER(threads),
	  .fallback = "2", .min = 2, .max = 64,
	  .help = "Threads of the HTTP server; they never block on a reply" },
	{ .env = "SP_SERVER_MAX_CONNECTIONS", .type = CONFIG_INT, .offset = MEMBER(max_connections),
	  .fallback = "4096", .min = 16, .max = 1000000,
	  .help = "Maximum number of connections; above it idle ones are closed and requests receive 503" },
	{ .env = "SP_SERVER_MAX_BODY", .type = CONFIG_INT, .offset = MEMBER(max_body),
	  .fallback = "1048576", .min = 1024, .max = 64 * 1024 * 1024,
	  .help = "Maximum size of a request body in bytes; above it 413" },
	{ .env = "SP_SERVER_MEMORY", .type = CONFIG_INT, .offset = MEMBER(memory),
	  .fallback = "268435456", .min = 1024 * 1024, .max = 1LL << 40,
	  .help = "Bytes for all requests and responses in flight and for the list of watchers; above it 503" },
};
/* clang-format on */

static void check(const void *config, struct buf *faults)
{
	const struct api_config *c = config;

	bus_access_check(&c->nats, faults);
	listen_check(API_ADDRESS_VARIABLE, c->address, faults);
	tls_check(&c->tls, faults);
	access_check(METRICS_TOKENS_VARIABLE, c->metrics.tokens_file, faults);
	access_check(API_TOKENS_VARIABLE, c->tokens_file, faults);
}

const struct config_program api_config_program = {
	.name = "api-svc",
	.purpose = "the REST API of the container service provider",
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.check = check,
};
