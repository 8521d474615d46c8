/*
 * Publishing to DCM: a thread that takes due entries from the outbox, reads the cache, publishes, and processes
 * acknowledgements, hundreds concurrently but one per instance. The coordinator decides whether publishing is allowed.
 */
#ifndef MONITOR_DELIVERY_H
#define MONITOR_DELIVERY_H

#include "common/bus/bus.h"
#include "common/bus/bus_bucket.h"
#include "common/container/kube_cache.h"
#include "common/container/record.h"
#include "monitor/outbox.h"

#define DELIVERY_ID_MAX 64 /* bytes of an instance id with its NUL; label values have at most 63 */

struct delivery;

struct delivery_options {
	enum resource_type type; /* of the resources */
	struct bus *bus;
	const char *provider_name; /* borrowed */
	const char *namespace;     /* of the containers; borrowed */
	int64_t debounce_ms;
	struct status_rules rules;
	/* Called if an acknowledgement indicates that there is no stream. Any thread; must not block. */
	void (*on_doubt)(void *ctx);
	void *ctx;
};

/* Start the thread; it does not publish yet. ret_delivery: owned by the caller. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc delivery_create(const struct delivery_options *options, struct delivery **ret_delivery, struct error *err)
	must_check;

/* End the thread, and wait for it. Before bus_destroy(); later replies are ignored. */
void delivery_stop(struct delivery *delivery);

/* Free; after bus_destroy(). NULL is allowed. */
void delivery_destroy(struct delivery *delivery);

/* Begin a term as leader: changes of this cache are recorded. The cache must outlive delivery_end(). */
void delivery_begin(struct delivery *delivery, struct kube_cache *cache);

/* An object of the instance has changed (a kube_cache_change with the delivery as ctx). Thread-safe. */
void delivery_change(void *delivery, enum kube_kind kind, const char *instance_id);

/* Add the last reported state of an instance, from a record of an earlier run or a worker. Thread-safe. */
void delivery_remember(struct delivery *delivery, const struct record *record);

/* Cache and records are complete: publish the state of all, and then every change. */
void delivery_open(struct delivery *delivery);

/* End the term as leader: drop everything. Returns when the cache is no longer used. */
void delivery_end(struct delivery *delivery);

/* Allow publishing until then (clock_mono_ms()); 0: not allowed; INT64_MAX: forever. Thread-safe. */
void delivery_allow(struct delivery *delivery, int64_t until_ms);

/* Whether publishing is allowed now. Thread-safe. */
bool delivery_is_allowed(struct delivery *delivery);

/*
 * Set how to publish.
 *
 * acknowledged  wait for the acknowledgement of the stream. Otherwise a sent event counts as delivered.
 * bucket        bucket of the records; copied; NULL: no records.
 */
void delivery_set_route(struct delivery *delivery, bool acknowledged, const char *bucket);

/* Publish the state of all again, within spread_ms; anew: as outbox_force_all(). */
void delivery_tell_all(struct delivery *delivery, int64_t spread_ms, bool anew);

/* Publish pending events without debouncing; false: not all within timeout_ms. Blocks. */
bool delivery_flush(struct delivery *delivery, int64_t timeout_ms);

/* Verifies the state of a container from the watch. */
struct delivery_question {
	enum resource_type type;
	char id[DELIVERY_ID_MAX];
	enum kube_kind kind;           /* of the root, if known */
	char name[RECONCILE_NAME_MAX]; /* of the root */
	enum container_status status;  /* DELETED: the root no longer exists, or is not ours */
	struct status_rules rules;
};

enum delivery_answer {
	DELIVERY_CONFIRMED,
	DELIVERY_REFUTED, /* a watch event will follow */
	DELIVERY_UNKNOWN, /* the API server did not respond */
};

/* Wait for a question. Returns false if the delivery stops. Blocks. */
bool delivery_next_question(struct delivery *delivery, struct delivery_question *ret_question);
void delivery_answer(struct delivery *delivery, const struct delivery_question *question, enum delivery_answer answer);

struct delivery_counts {
	int64_t published; /* delivered events */
	int64_t retried;   /* retried, because delivery was unknown */
	int64_t recorded;
	int64_t deleted;    /* DELETED among the published */
	int64_t sending_ns; /* total time from sending to acknowledgement, in whole ms */
	size_t entries;
	size_t pending;
	int64_t lag_ms;  /* age of the oldest one */
	int64_t idle_ms; /* since the last progress of the thread */
	char last_error[ERROR_TEXT_MAX];
	bool failing; /* last_error is newer than the last delivered event */
};

void delivery_counts(struct delivery *delivery, struct delivery_counts *ret_counts);

#define DELIVERY_STATUSES CONTAINER_DELETED /* statuses of existing containers */

/* The number of containers per last reported status. Blocks delivery while counting. */
void delivery_statuses(struct delivery *delivery, size_t ret_counts[DELIVERY_STATUSES]);

#endif
