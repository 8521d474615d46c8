/*
 * CloudEvents 1.0 in structured mode: one JSON object with the event's attributes and its data. Pure; no I/O.
 *
 * Source: cloudevents/spec v1.0.2, cloudevents/formats/json-format.md; bindings/nats-protocol-binding.md: without the
 * header below a receiver assumes binary mode.
 */
#ifndef COMMON_SERVICES_CLOUDEVENT_H
#define COMMON_SERVICES_CLOUDEVENT_H

#include <stdint.h>

#include "common/services/json_write.h"

#define CLOUDEVENT_HEADER "Content-Type"
#define CLOUDEVENT_CONTENT_TYPE "application/cloudevents+json"

struct cloudevent {
	const char *id;     /* unique per source; the same for a duplicate of the event */
	const char *source; /* URI reference, not empty */
	const char *type;
	const char *subject; /* NULL: none */
	int64_t time_ms;     /* wall clock */
};

/*
 * Begin an event whose data is JSON: writes all attributes. The caller then writes one object with the key "data", and
 * calls cloudevent_end().
 */
void cloudevent_begin(struct json_writer *w, const struct cloudevent *event);
void cloudevent_end(struct json_writer *w);

#endif
