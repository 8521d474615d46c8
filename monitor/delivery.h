/*
 * Telling DCM: a thread that takes what is due out of the outbox, looks at the cluster's cache, publishes, and waits
 * for the acknowledgements, hundreds at once but one for each instance. Whether it may is the coordinator's business.
 */
#ifndef MONITOR_DELIVERY_H
#define MONITOR_DELIVERY_H

#include "common/bus/bus.h"
#include "common/bus/bus_bucket.h"
#include "common/container/kube_cache.h"
#include "common/container/record.h"
#include "monitor/outbox.h"

#define DELIVERY_ID_MAX 64 /* bytes of an instance id with its NUL: a label's value has at most 63 */

struct delivery;

struct delivery_options {
	enum resource_type type; /* of what is told */
	struct bus *bus;
	const char *provider_name; /* borrowed */
	const char *namespace;     /* of the containers; borrowed */
	int64_t debounce_ms;
	struct status_rules rules;
	/* An acknowledgement says that the stream is not there. Any thread; must not block. */
	void (*on_doubt)(void *ctx);
	void *ctx;
};

/* Start the thread; it tells nothing yet. ret_delivery: owned by the caller. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc delivery_create(const struct delivery_options *options, struct delivery **ret_delivery, struct error *err)
	must_check;

/* Ask the thread to end, and wait for it. Before bus_destroy(); replies that still come are ignored. */
void delivery_stop(struct delivery *delivery);

/* Free; after bus_destroy(). NULL is allowed. */
void delivery_destroy(struct delivery *delivery);

/* A life as the active monitor begins: changes are noted, from this cache. It outlives delivery_end(). */
void delivery_begin(struct delivery *delivery, struct kube_cache *cache);

/* An object of the instance has changed (a kube_cache_change with the delivery as ctx). Any thread. */
void delivery_change(void *delivery, enum kube_kind kind, const char *instance_id);

/* What DCM was told of an instance before: by an earlier run, or a worker. Any thread. */
void delivery_remember(struct delivery *delivery, const struct record *record);

/* The cache and what was remembered are complete: tell the state of all, and from then on every change. */
void delivery_open(struct delivery *delivery);

/* The life as the active monitor ends: forget everything. Returns when the cache is no longer used. */
void delivery_end(struct delivery *delivery);

/* Telling is allowed until then (clock_mono_ms()); 0: not at all; INT64_MAX: forever. Any thread. */
void delivery_allow(struct delivery *delivery, int64_t until_ms);

/* Whether it is true now. Any thread. */
bool delivery_is_allowed(struct delivery *delivery);

/*
 * How to tell.
 *
 * acknowledged  a stream listens: wait for its word. Otherwise what is sent has arrived.
 * bucket        where to record what was reported; copied; NULL: nowhere.
 */
void delivery_set_route(struct delivery *delivery, bool acknowledged, const char *bucket);

/* Tell the state of all again, within spread_ms; anew: as outbox_force_all(). */
void delivery_tell_all(struct delivery *delivery, int64_t spread_ms, bool anew);

/* Tell what is pending without debouncing; false: not all of it within timeout_ms. Blocks. */
bool delivery_flush(struct delivery *delivery, int64_t timeout_ms);

/* Verifies the state of a container from the watch. */
struct delivery_question {
	enum resource_type type;
	char id[DELIVERY_ID_MAX];
	enum kube_kind kind;           /* of the root, as far as is known */
	char name[RECONCILE_NAME_MAX]; /* of the root */
	enum container_status status;  /* DELETED: there is no root any more, or it is not ours */
	struct status_rules rules;
};

enum delivery_answer {
	DELIVERY_CONFIRMED,
	DELIVERY_REFUTED, /* the watch will tell */
	DELIVERY_UNKNOWN, /* the API server did not say */
};

/* Wait for a question. False when the delivery stops. Blocks. */
bool delivery_next_question(struct delivery *delivery, struct delivery_question *ret_question);
void delivery_answer(struct delivery *delivery, const struct delivery_question *question, enum delivery_answer answer);

struct delivery_counts {
	int64_t published; /* events that arrived */
	int64_t retried;   /* sent again, because it was unknown whether they had arrived */
	int64_t recorded;
	int64_t deleted;    /* DELETED among the published */
	int64_t sending_ns; /* from sending to acknowledgement, together; in whole ms */
	size_t entries;
	size_t pending;
	int64_t lag_ms;  /* since when the oldest of them waits */
	int64_t idle_ms; /* since the thread was last seen at work */
	char last_error[ERROR_TEXT_MAX];
	bool failing; /* last_error is newer than the last event that arrived */
};

void delivery_counts(struct delivery *delivery, struct delivery_counts *ret_counts);

#define DELIVERY_STATUSES CONTAINER_DELETED /* those that a container may have as long as it exists */

/* How many containers were last told with each status. Blocks delivery for as long as the counting takes. */
void delivery_statuses(struct delivery *delivery, size_t ret_counts[DELIVERY_STATUSES]);

#endif
