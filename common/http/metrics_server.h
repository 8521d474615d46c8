/*
 * GET /metrics on its own port, for processes without an HTTP API. One thread; nothing else is served.
 */
#ifndef COMMON_HTTP_METRICS_SERVER_H
#define COMMON_HTTP_METRICS_SERVER_H

#include "common/base/error.h"
#include "common/services/config.h"
#include "common/services/metrics.h"

#define METRICS_ADDRESS_VARIABLE "SP_METRICS_ADDRESS"
#define METRICS_TOKENS_VARIABLE "SP_METRICS_TOKEN_FILE"

/* The settings, as CONFIG_ROWS_METRICS() fills them; borrowed from the environment. "": not set. */
struct metrics_access {
	const char *address;     /* host:port; "": off */
	const char *tokens_file; /* tokens.h; "": no authentication */
};

/* clang-format off */
/* The rows; `type` (the struct) has the member `struct metrics_access metrics`. api-svc uses only the first one. */
#define CONFIG_ROW_METRICS_TOKENS(type) \
	{ .env = METRICS_TOKENS_VARIABLE, .offset = offsetof(type, metrics.tokens_file), .fallback = "", \
	  .help = "File of bearer tokens for /metrics, read again when it changes; empty: no authentication" }
#define CONFIG_ROWS_METRICS(type) \
	{ .env = METRICS_ADDRESS_VARIABLE, .offset = offsetof(type, metrics.address), .fallback = "", \
	  .valid = config_is_address, .form = "host:port, [v6]:port or :port", \
	  .help = "Listen address for /metrics, one port per process; empty: off" }, \
	CONFIG_ROW_METRICS_TOKENS(type)
/* clang-format on */

struct metrics_server;

/* For `check` of a config_program: appends a line for an unusable address and for an invalid file. */
void metrics_server_check(const struct metrics_access *access, struct buf *faults);

/*
 * Start to serve on access->address.
 *
 * access, metrics  outlive the server; collect() runs on its thread.
 * ret_server       owned by the caller (metrics_server_destroy); NULL if no address is set.
 * Errors: those of listen_open() and access_create(); RC_INTERNAL without a thread.
 */
enum rc metrics_server_create(const struct metrics_access *access, const struct metrics *metrics,
			      struct metrics_server **ret_server, struct error *err) must_check;

/* Stop it: no collect() runs afterwards. NULL is allowed. */
void metrics_server_destroy(struct metrics_server *server);

#endif
