/*
 * The NATS service protocol (ADR-32): replies to $SRV.PING, $SRV.INFO and $SRV.STATS, so that the standard `nats` tool
 * lists the process. cnats 3.4 has no micro API.
 */
#ifndef COMMON_BUS_BUS_SERVICE_H
#define COMMON_BUS_BUS_SERVICE_H

#include "common/bus/bus.h"
#include "common/services/json_write.h"

#define BUS_METADATA_HOST "host" /* in the metadata of every reply: the host name of the machine or container */
#define BUS_HOST_MAX 256         /* bytes with the NUL */

struct bus_service;

/* Statistics of an endpoint since the start. */
struct bus_endpoint_stats {
	int64_t requests;
	int64_t errors;
	int64_t processing_ns; /* total */
	char last_error[ERROR_TEXT_MAX];
};

struct bus_endpoint {
	const char *name; /* [A-Za-z0-9_-]+ */
	const char *subject;
	const char *queue;
};

struct bus_service_options {
	const char *name; /* [A-Za-z0-9_-]+: "kube-worker" */
	const char *description;
	const char *version; /* SemVer */
	const struct bus_header *metadata;
	size_t metadata_count;
	const struct bus_endpoint *endpoints;
	size_t endpoint_count;
	/* Fill the stats of endpoint `index`; on a thread of cnats, must not block. */
	void (*stats)(void *ctx, size_t index, struct bus_endpoint_stats *ret_stats);
	/* Write members of the endpoint's `data` object in STATS; NULL: it has none. On the same thread. */
	void (*data)(void *ctx, size_t index, struct json_writer *w);
	void *ctx;
};

/*
 * Start to reply. Everything in options is borrowed until bus_service_destroy().
 * ret_service: owned by the caller. Errors: those of bus_subscribe(), RC_INTERNAL no random numbers for the id.
 */
enum rc bus_service_create(struct bus *bus, const struct bus_service_options *options, struct bus_service **ret_service,
			   struct error *err) must_check;

/* Free; call after bus_destroy(), which ends the subscriptions. NULL is allowed. */
void bus_service_destroy(struct bus_service *service);

/* The value of BUS_METADATA_HOST in our replies. */
void bus_service_host(char out[BUS_HOST_MAX]);

#endif
