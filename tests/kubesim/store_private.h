/*
 * Internals of the store, for store*.c only. Functions named *_locked require the mutex.
 */
#ifndef KUBESIM_STORE_PRIVATE_H
#define KUBESIM_STORE_PRIVATE_H

#include <pthread.h>

#include "tests/kubesim/kinds.h"
#include "tests/kubesim/queue.h"
#include "tests/kubesim/store.h"

#define SIM_STORE_BUCKETS 32768 /* of the two hash tables; a power of two */

struct slot;

/* An entry of a hash table: a uid of a slot. It is part of the slot. */
struct link {
	const char *uid; /* inside slot->current */
	struct slot *slot;
	struct link *next; /* in the same bucket */
};

/* The current version of an object and its metadata in the store. */
struct slot {
	struct sim_object *current;
	struct link by_uid;
	struct link by_owner[SIM_OWNERS_MAX];
	int64_t due_ms; /* when controllers process it; 0: not queued */
	int64_t created_ms;
	int64_t deleting_ms; /* since when; 0: not */
};

/* One kind: its objects, sorted by key, and its history, a ring. */
struct table {
	struct slot **rows;
	size_t count;
	size_t capacity;
	struct sim_event *ring;
	uint64_t first;        /* position of the oldest change that is kept */
	uint64_t next;         /* position of the next change */
	uint64_t lost_version; /* of the newest dropped change */
	pthread_cond_t changed;
};

struct sim_store {
	pthread_mutex_t lock;
	pthread_cond_t work; /* the queue of the controllers has changed */
	uint64_t version;
	size_t history_max;
	bool stopped;
	struct table tables[SIM_KIND_COUNT];
	struct link *by_uid[SIM_STORE_BUCKETS];
	struct link *by_owner[SIM_STORE_BUCKETS];
	struct sim_queue todo;
};

struct table *sim_table_of(struct sim_store *s, const struct sim_kind *kind);

/* The index of the first row whose key is not less than `key`. */
size_t sim_rows_lower_bound(const struct table *t, const char *key);

/* The slot of the object, in any version; NULL if it does not exist. */
struct slot *sim_slot_of(struct sim_store *s, const struct sim_object *object);

/* The first entry with this uid in a hash table, and the next one with the same; NULL: no more. */
struct link *sim_link_first(struct link *const *buckets, const char *uid);
struct link *sim_link_next(const struct link *link);

/* Record a change with the current version of the store. Takes ownership of the references. */
void sim_history_add_locked(struct sim_store *s, enum sim_change change, struct sim_object *object,
			    struct sim_object *before);
void sim_history_clear(struct sim_store *s, struct table *t);

/* Queue the slot; its owners; and the objects owned by `uid`. */
void sim_touch_locked(struct sim_store *s, struct slot *slot, int64_t delay_ms);
void sim_touch_owners_locked(struct sim_store *s, const struct sim_object *o);
void sim_touch_dependents_locked(struct sim_store *s, const char *uid);

/* Wait for the condition, at most wait_ms. */
void sim_store_wait_locked(struct sim_store *s, pthread_cond_t *condition, int64_t wait_ms);

#endif
