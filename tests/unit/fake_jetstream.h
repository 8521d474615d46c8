/*
 * The subset of JetStream needed by the bucket of the provider and its listeners, on a fake_bus: one bucket with any
 * name.
 */
#ifndef TESTS_UNIT_FAKE_JETSTREAM_H
#define TESTS_UNIT_FAKE_JETSTREAM_H

#include <stdint.h>

#include "common/bus/bus_bucket.h"
#include "tests/unit/fake_bus.h"

#define FAKE_JETSTREAM_KEYS 16

struct fake_key {
	char *subject, *value;
	uint64_t sequence; /* 0: it has no value */
};

/* Zeroed, except for members set by the test, which it may change while it is not in use. */
struct fake_jetstream {
	struct bus *bus;
	bool absent;       /* no replies to its API */
	bool has_bucket;   /* the bucket exists; set when it is created */
	bool listens;      /* a stream captures the events, and acknowledges them immediately */
	unsigned lost;     /* the next puts are stored without acknowledgement: the clock is advanced */
	const char *error; /* the reply of its API to everything; NULL: the correct one */
	struct {
		unsigned count;    /* number of the next puts */
		const char *error; /* that receive this reply, */
		bool stored;       /* but are executed */
	} refuse[2];               /* the second one after the first */

	char consumer[BUS_BUCKET_MAX]; /* of the last bus_bucket_send_all() */
	char address[BUS_BUCKET_SUBJECT_MAX];
	int64_t pending; /* the message count announced to the next one */
	struct fake_key keys[FAKE_JETSTREAM_KEYS];
	uint64_t sequence;
};

/* Reply on js->bus from now on. */
void fake_jetstream_start(struct fake_jetstream *js);
void fake_jetstream_clear(struct fake_jetstream *js);

/* Write a key like another process. Returns its sequence. */
uint64_t fake_jetstream_put(struct fake_jetstream *js, const char *bucket, const char *key, const char *value);

/* Its value; NULL: none. */
const char *fake_jetstream_get(struct fake_jetstream *js, const char *bucket, const char *key);

/* Send a record as a consumer does. */
void fake_jetstream_send(struct fake_jetstream *js, const char *consumer, const char *value);

/* The acknowledgement of a stored message. */
#define FAKE_JETSTREAM_ACK "{\"stream\":\"events\",\"seq\":1}"
#define FAKE_JETSTREAM_ERROR(code) \
	"{\"error\":{\"code\":400,\"err_code\":" #code ",\"description\":\"set by the test\"}}"

#endif
