/*
 * The inside of the store, for store.c, store_history.c and store_list.c only. Functions named *_locked want the mutex.
 */
#ifndef KUBESIM_STORE_PRIVATE_H
#define KUBESIM_STORE_PRIVATE_H

#include <pthread.h>

#include "tests/kubesim/kinds.h"
#include "tests/kubesim/queue.h"
#include "tests/kubesim/store.h"

#define SIM_STORE_BUCKETS 32768 /* of the two hash tables; a power of two */

struct slot;

/* A slot's membership in the list of those who name one owner. */
struct owner_link {
	struct slot *slot;
	struct owner_link *next;
	struct owner_link **previous; /* what points to this link; NULL: not in a list */
};

/* Where an object lives: its current version, and what the store knows beside it. */
struct slot {
	struct sim_object *current;
	struct slot *next_uid; /* in the same bucket of by_uid */
	struct owner_link links[SIM_OWNERS_MAX];
	struct sim_queue_node todo;
	int64_t created_ms;
	int64_t deleting_ms;     /* since when; 0: not */
	int64_t orphan_since_ms; /* 0: has an owner, or nobody has looked yet */
};

/* One kind: its objects, sorted by key, and its history, a ring. */
struct table {
	struct slot **rows;
	size_t count;
	size_t capacity;
	struct sim_event *ring;
	uint64_t first;        /* position of the oldest change that is kept */
	uint64_t next;         /* position of the next change */
	uint64_t lost_version; /* of the newest change that is not kept any more */
	pthread_cond_t changed;
};

struct sim_store {
	pthread_mutex_t lock;
	pthread_cond_t work; /* the controllers' list has changed */
	uint64_t version;
	size_t history_max;
	int64_t gc_delay_ms;
	bool stopped;
	struct table tables[SIM_KIND_COUNT];
	struct slot *by_uid[SIM_STORE_BUCKETS];
	struct owner_link *by_owner[SIM_STORE_BUCKETS];
	struct sim_queue todo;
};

/* A hash of a uid, below SIM_STORE_BUCKETS. */
size_t sim_store_bucket(const char *uid);

/* The index of the first row whose key is not less than `key`. */
size_t sim_rows_lower_bound(const struct table *t, const char *key);

/* Append a change to the history. Takes over the references. */
void sim_history_add_locked(struct sim_store *s, enum sim_change change, struct sim_object *object,
			    struct sim_object *before);
void sim_history_clear(struct sim_store *s, struct table *t);

/* Wait for the condition, at most wait_ms. */
void sim_store_wait_locked(struct sim_store *s, pthread_cond_t *condition, int64_t wait_ms);

#endif
