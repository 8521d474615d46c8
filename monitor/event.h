/*
 * The state of a resource as the CloudEvent that DCM reads. Pure.
 */
#ifndef MONITOR_EVENT_H
#define MONITOR_EVENT_H

#include "common/adapters/crypto.h"
#include "common/container/container_state.h"
#include "common/container/output_spec.h"
#include "common/resource.h"

#define EVENT_MAX (OUTPUT_SPEC_MAX + 8192) /* bytes of an event; messages are at most some hundred */
#define EVENT_SOURCE_MAX 512 /* bytes of the source with its NUL; names are at most 128 bytes, encoded threefold */

struct event {
	enum resource_type type;
	const char *source;      /* from event_write_source() */
	const char *instance_id; /* may be any text */
	enum container_status status;
	const char *message;      /* human-readable, may be "" */
	const struct buf *output; /* JSON: where it is reached; empty or NULL: nothing is said of it */
	unsigned char id[16];     /* random */
	int64_t time_ms;          /* wall clock: when the state was seen to be so */
};

/* The source of all events of a provider: "dcm/providers/<name, percent-encoded>". */
void event_write_source(const char *provider_name, char out[EVENT_SOURCE_MAX]);

/* The event's id as text: a UUID. */
void event_write_id(const struct event *event, char out[CRYPTO_UUID_MAX]);

/*
 * Append the event as one JSON object. Failure is the buffer's.
 * Source: CloudEvents 1.0 JSON format; DCM's consumer reads data.id, data.status, data.message and data.timestamp, and
 * drops events whose timestamp is empty or has no zone; its data.output_spec is for those that wait for the container.
 */
void event_write(const struct event *event, struct buf *out);

#endif
