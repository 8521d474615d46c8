/*
 * Reads all records of the provider's bucket (common/container/record.h): earlier reports, and containers created by
 * workers. Started and ended by one thread, whose calls may block on NATS; records are delivered on a thread of cnats.
 */
#ifndef MONITOR_RECORD_LOAD_H
#define MONITOR_RECORD_LOAD_H

#include "common/bus/bus_call.h"
#include "common/container/record.h"

struct record_load;

struct record_load_options {
	enum resource_type type;
	struct bus *bus;
	struct bus_caller *caller;
	const char *bucket; /* borrowed */
	/* One record, borrowed for the call. On a thread of cnats; must not block. */
	void (*take)(void *ctx, const struct record *record);
	void *ctx;
};

/*
 * ret_load: owned by the caller (record_load_destroy), also after a failure: the bus refers to it until bus_destroy().
 * Errors: RC_NO_MEMORY, those of bus_subscribe().
 */
enum rc record_load_create(const struct record_load_options *options, struct record_load **ret_load, struct error *err)
	must_check;

/* Free; after bus_destroy(). NULL is allowed. */
void record_load_destroy(struct record_load *load);

/* Discard the result: records must be read again. */
void record_load_forget(struct record_load *load);

/*
 * Start or continue reading. The records are read once for each `generation`, the number of lists of roots so far: a
 * container of a worker that is no longer in such a list was deleted, and no watch event will follow.
 */
void record_load_tend(struct record_load *load, int64_t generation);

/* Whether all have been read since record_load_forget(). */
bool record_load_is_done(const struct record_load *load);

#endif
