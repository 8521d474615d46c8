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

/* Zeroed but for what the test sets, which it may change while nothing uses it. */
struct fake_jetstream {
	struct bus *bus;
	bool absent;     /* no replies to its API */
	bool has_bucket; /* the bucket exists; set when it is created */
	bool listens;    /* a stream keeps the events, and acknowledges them at once */
	unsigned lost; /* so many of the next puts are carried out, and not acknowledged: the clock is moved instead */
	const char *error; /* what its API replies to everything; NULL: what it should */
	struct {
		unsigned count;    /* so many of the next puts */
		const char *error; /* get this reply, */
		bool stored;       /* and are carried out all the same */
	} refuse[2];               /* the second when the first is used up */

	char consumer[BUS_BUCKET_MAX]; /* of the last bus_bucket_send_all() */
	char address[BUS_BUCKET_SUBJECT_MAX];
	int64_t pending; /* what the next one is told that will come */
	struct fake_key keys[FAKE_JETSTREAM_KEYS];
	uint64_t sequence;
};

/* Reply on js->bus from now on. */
void fake_jetstream_start(struct fake_jetstream *js);
void fake_jetstream_clear(struct fake_jetstream *js);

/* Write a key as another process would. Returns its sequence. */
uint64_t fake_jetstream_put(struct fake_jetstream *js, const char *bucket, const char *key, const char *value);

/* Its value; NULL: there is none. */
const char *fake_jetstream_get(struct fake_jetstream *js, const char *bucket, const char *key);

/* Send a record as a consumer does. */
void fake_jetstream_send(struct fake_jetstream *js, const char *consumer, const char *value);

/* The acknowledgement of what a stream has stored. */
#define FAKE_JETSTREAM_ACK "{\"stream\":\"events\",\"seq\":1}"
#define FAKE_JETSTREAM_ERROR(code) "{\"error\":{\"code\":400,\"err_code\":" #code ",\"description\":\"said the test\"}}"

#endif
