/*
 * The objects: one table per kind, sorted like in etcd (by "namespace/name", bytewise), one version counter for all,
 * and for each kind the history of its last changes, which is read by watches.
 *
 * It also contains the queue of the controllers: every change of an object queues it and its owners.
 *
 * One mutex; no blocking on sockets. Thread-safe.
 */
#ifndef KUBESIM_STORE_H
#define KUBESIM_STORE_H

#include "common/base/error.h"
#include "tests/kubesim/object.h"

struct sim_store;
struct sim_selector;

/* history_max: changes kept per kind; older watches get 410. */
struct sim_store *sim_store_create(size_t history_max);
void sim_store_destroy(struct sim_store *s);

/* Wake all waiting threads; blocking functions return immediately from now on. */
void sim_store_stop(struct sim_store *s);
bool sim_store_stopped(struct sim_store *s);

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/*
 * sim_store_insert   Store `draft`; RC_ALREADY_EXISTS if the key exists.
 * sim_store_replace  Store `draft` if `old` is still the current version, else RC_CONFLICT; RC_NOT_FOUND if it was
 *                    deleted. A draft equal to `old` is not stored and creates no watch event.
 * sim_store_remove   The same conditions.
 *
 * On RC_OK the store has its own reference, and the draft its version.
 */
enum rc sim_store_insert(struct sim_store *s, struct sim_object *draft) must_check;
enum rc sim_store_replace(struct sim_store *s, const struct sim_object *old, struct sim_object *draft) must_check;
enum rc sim_store_remove(struct sim_store *s, const struct sim_object *old) must_check;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The object, referenced for the caller; NULL if it does not exist. ns: "" for a kind without namespaces. */
struct sim_object *sim_store_get(struct sim_store *s, const struct sim_kind *kind, const char *ns, const char *name);

/* The parameters of a list. */
struct sim_list_query {
	const struct sim_kind *kind;
	const char *ns;    /* "": all */
	const char *after; /* the key after which to continue; NULL: from the start */
	uint64_t at;       /* the version at which it is listed; 0: as it is now */
	const struct sim_selector *selector;
	size_t limit; /* 0: all */
};

/* The newest version. */
uint64_t sim_store_version(struct sim_store *s);

struct sim_list {
	struct sim_object **objects; /* referenced */
	size_t count;
	size_t capacity;
	uint64_t version;
	bool more; /* truncated by the limit */
};

/* Read a list. RC_EXPIRED when the history does not reach back to `at`; RC_NO_MEMORY. */
enum rc sim_store_list(struct sim_store *s, const struct sim_list_query *query, struct sim_list *ret_list) must_check;

/* All objects of one kind whose owner references name this uid. RC_NO_MEMORY. */
enum rc sim_store_dependents(struct sim_store *s, const char *uid, const struct sim_kind *kind,
			     struct sim_list *ret_list) must_check;
void sim_list_clear(struct sim_list *list);

/* ---- history ----------------------------------------------------------------------------------------------------- */

enum sim_change { SIM_ADDED, SIM_MODIFIED, SIM_DELETED };

struct sim_event {
	enum sim_change change;
	struct sim_object *object; /* the state afterwards; of a removal: the last one */
	struct sim_object *before; /* NULL if it did not exist */
	uint64_t version;          /* of the change; also for a removal */
};

/* A position in the history of one kind. */
struct sim_cursor {
	const struct sim_kind *kind;
	uint64_t position;
	uint64_t version; /* everything up to here was read */
};

/* Find the place after cursor->version. RC_EXPIRED if changes after it have been dropped. */
enum rc sim_history_seek(struct sim_store *s, struct sim_cursor *cursor) must_check;

/*
 * Read up to `max` changes, and move the cursor; references are the caller's. Blocks for at most wait_ms while there
 * is none. Returns their number; -1: changes not yet read were dropped.
 */
int sim_history_read(struct sim_store *s, struct sim_cursor *cursor, struct sim_event *events, int max,
		     int64_t wait_ms);
void sim_event_clear(struct sim_event *event);

/* Expire all versions up to now, for continue tokens and watches. */
void sim_store_compact(struct sim_store *s);

/* ---- queue of the controllers------------------------------------------------------------------------------------ */

/* Queue an object, if it still exists, in delay_ms. */
void sim_store_touch(struct sim_store *s, const struct sim_object *object, int64_t delay_ms);

/* The next object to be processed by a controller, referenced. Blocks; NULL if the store was stopped. */
struct sim_object *sim_store_next_due(struct sim_store *s);

/* Whether it has owner references, and none of the owners exists. */
bool sim_store_is_orphan(struct sim_store *s, const struct sim_object *object);

/*
 * Time since the creation of the object, and since its deletion began (0: not being deleted). Returns false if it does
 * not exist.
 */
bool sim_store_ages(struct sim_store *s, const struct sim_object *object, int64_t *ret_age_ms,
		    int64_t *ret_deleting_ms);

#endif
