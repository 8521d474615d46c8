/*
 * GET /metrics on its own port, for the processes that serve no other. One thread; nothing else is served.
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
	const char *address;     /* host:port; "": nothing is served */
	const char *tokens_file; /* tokens.h; "": it is open */
};

/* clang-format off */
/* The rows; `type` (the struct) has the member `struct metrics_access metrics`. The first is api-svc's only one. */
#define CONFIG_ROW_METRICS_TOKENS(type) \
	{ .env = METRICS_TOKENS_VARIABLE, .offset = offsetof(type, metrics.tokens_file), .fallback = "", \
	  .help = "File of bearer tokens, one of which /metrics needs, read again when it changes; empty: it is open" }
#define CONFIG_ROWS_METRICS(type) \
	{ .env = METRICS_ADDRESS_VARIABLE, .offset = offsetof(type, metrics.address), .fallback = "", \
	  .valid = config_is_address, .form = "host:port, [v6]:port or :port", \
	  .help = "Where to serve /metrics, a port for each process; empty: it is not served" }, \
	CONFIG_ROW_METRICS_TOKENS(type)
/* clang-format on */

struct metrics_server;

/* For `check` of a config_program: a line for an address that cannot be had and for a file that is of no use. */
void metrics_server_check(const struct metrics_access *access, struct buf *faults);

/*
 * Begin to serve, where access->address says.
 *
 * access, metrics  outlive the server; collect() runs on its thread.
 * ret_server       owned by the caller (metrics_server_destroy); NULL when there is no address.
 * Errors: those of listen_open() and access_create(); RC_INTERNAL without a thread.
 */
enum rc metrics_server_create(const struct metrics_access *access, const struct metrics *metrics,
			      struct metrics_server **ret_server, struct error *err) must_check;

/* End it: no collect() runs afterwards. NULL is allowed. */
void metrics_server_destroy(struct metrics_server *server);

#endif
