/*
 * The configuration of api-svc.
 */
#ifndef API_SVC_CONFIG_H
#define API_SVC_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "api-svc/http/tls.h"
#include "common/bus/bus_access.h"
#include "common/http/metrics_server.h"

/* Also used in errors. */
#define API_ADDRESS_VARIABLE "SP_SERVER_ADDRESS"
#define API_TOKENS_VARIABLE "SP_SERVER_TOKENS_FILE"

struct api_config {
	const char *name;
	struct bus_access nats;
	const char *log_level;
	const char *log_format;
	const char *agent_name; /* "": no environment agent */
	const char *address;
	const char *tokens_file;       /* "": no tokens */
	const char *origins;           /* of pages that may send writes (origin.h) */
	const char *exec;              /* "true": commands in containers are enabled */
	struct metrics_access metrics; /* without an address, which is that of the API */
	struct tls_files tls;          /* certificate "": plain HTTP */
	int64_t shutdown_timeout_ms;
	int64_t read_timeout_ms;
	int64_t write_timeout_ms;
	int64_t idle_timeout_ms;
	int64_t request_timeout_ms;
	int64_t worker_wait_ms;
	int64_t threads;
	int64_t max_connections;
	int64_t max_body; /* bytes */
	int64_t memory;   /* bytes */
};

/* The program, for config_start(). */
extern const struct config_program api_config_program;

#endif
