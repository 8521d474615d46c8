/*
 * The CloudEvent with the state of a resource for DCM. Pure.
 */
#ifndef MONITOR_EVENT_H
#define MONITOR_EVENT_H

#include "common/adapters/crypto.h"
#include "common/container/container_state.h"
#include "common/container/output_spec.h"
#include "common/resource.h"

#define EVENT_MAX (OUTPUT_SPEC_MAX + 8192) /* bytes of an event; messages have at most a few hundred */
#define EVENT_SOURCE_MAX 512 /* bytes of the source with its NUL; names are at most 128 bytes, encoded threefold */

struct event {
	enum resource_type type;
	const char *source;      /* from event_write_source() */
	const char *instance_id; /* may be any text */
	enum container_status status;
	const char *message;      /* human-readable, may be "" */
	const struct buf *output; /* JSON: its addresses; empty or NULL: none */
	unsigned char id[16];     /* random */
	int64_t time_ms;          /* wall clock: when the state was observed */
};

/* The source of all events of a provider: "dcm/providers/<name, percent-encoded>". */
void event_write_source(const char *provider_name, char out[EVENT_SOURCE_MAX]);

/* The event's id as text: a UUID. */
void event_write_id(const struct event *event, char out[CRYPTO_UUID_MAX]);

/*
 * Append the event as one JSON object. Check the buffer for failure.
 * Source: CloudEvents 1.0 JSON format; DCM's consumer reads data.id, data.status, data.message and data.timestamp, and
 * drops events whose timestamp is empty or has no zone; data.output_spec has the addresses of the container.
 */
void event_write(const struct event *event, struct buf *out);

#endif
