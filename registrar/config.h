/*
 * The registrar's configuration.
 */
#ifndef REGISTRAR_CONFIG_H
#define REGISTRAR_CONFIG_H

#include "common/bus/bus_access.h"
#include "common/http/metrics_server.h"

struct registrar_config {
	const char *name;
	struct bus_access nats;
	struct metrics_access metrics;
	const char *log_level;
	const char *log_format;
	const char *endpoint;     /* base URL of our API, as DCM reaches it */
	const char *display_name; /* "": none; region and zone likewise */
	const char *region;
	const char *zone;
	const char *registration_url; /* base URL of the registry */
	const char *ca_path;          /* PEM file; "": the system's CA certificates */
	int64_t interval_ms;
	bool once; /* --once */
};

extern const struct config_program registrar_program;

#endif
