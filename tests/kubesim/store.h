/*
 * The objects: one table a kind, sorted as etcd sorts (by "namespace/name", bytewise), one version counter for all, and
 * for each kind the history of its last changes, from which watches are fed and older lists are rebuilt.
 *
 * It also keeps the controllers' to-do list: every change of an object puts it, and its owners, on the list.
 *
 * One mutex; nothing here waits for a socket. Every function is safe in every thread.
 */
#ifndef KUBESIM_STORE_H
#define KUBESIM_STORE_H

#include "common/base/error.h"
#include "tests/kubesim/object.h"
#include "tests/kubesim/selector.h"

struct sim_store;

/*
 * history_max  changes that are kept for each kind; an older watch is told 410.
 * gc_delay_ms  how long an object outlives its last owner.
 */
struct sim_store *sim_store_create(size_t history_max, int64_t gc_delay_ms);
void sim_store_destroy(struct sim_store *s);

/* Wake everybody who waits; waiting functions return at once from now on. */
void sim_store_stop(struct sim_store *s);
bool sim_store_stopped(struct sim_store *s);

/* The newest version number. */
uint64_t sim_store_version(struct sim_store *s);

/* The object, referenced for the caller; NULL when there is none. ns: NULL or "" for a kind without namespaces. */
struct sim_object *sim_store_get(struct sim_store *s, const struct sim_kind *kind, const char *ns, const char *name);

/*
 * Change something. `draft` has any version number; what is stored is a copy with the next one.
 *
 * sim_store_insert   RC_ALREADY_EXISTS when the key is taken.
 * sim_store_replace  only if `old` is still the current version, else RC_CONFLICT; RC_NOT_FOUND when it is gone. A
 * draft equal to `old` changes nothing, and no watch hears of it. sim_store_remove   the same; ret_object is the last
 * state under the version of its removal.
 *
 * ret_object  given to the caller on RC_OK; may be NULL.
 */
enum rc sim_store_insert(struct sim_store *s, const struct sim_object *draft, struct sim_object **ret_object)
	must_check;
enum rc sim_store_replace(struct sim_store *s, const struct sim_object *old, const struct sim_object *draft,
			  struct sim_object **ret_object) must_check;
enum rc sim_store_remove(struct sim_store *s, const struct sim_object *old, struct sim_object **ret_object) must_check;

/* What a list asks for. */
struct sim_list_query {
	const struct sim_kind *kind;
	const char *ns;    /* "" or NULL: all */
	const char *after; /* the key behind which to go on; NULL: from the start */
	const struct sim_selector *selector;
	size_t limit;     /* 0: all */
	uint64_t version; /* the state as of this version; 0: now */
};

struct sim_list {
	struct sim_object **objects; /* referenced */
	size_t count;
	uint64_t version;
	bool more;        /* the limit cut it off */
	size_t remaining; /* behind the last one; right only without a selector */
};

/* Read a list. RC_EXPIRED when the history does not reach back to query->version; RC_NO_MEMORY. */
enum rc sim_store_list(struct sim_store *s, const struct sim_list_query *query, struct sim_list *ret_list) must_check;
void sim_list_clear(struct sim_list *list);

/* A change as a watch sees it. */
enum sim_change { SIM_ADDED, SIM_MODIFIED, SIM_DELETED };

struct sim_event {
	enum sim_change change;
	struct sim_object *object; /* the state afterwards; of a removal: the last one, renumbered */
	struct sim_object *before; /* NULL when it did not exist */
};

/*
 * Where in the history of `kind` the changes after `version` begin. RC_EXPIRED, with ret_oldest the version from which
 * on it would work, when they are not all there any more.
 */
enum rc sim_history_seek(struct sim_store *s, const struct sim_kind *kind, uint64_t version, uint64_t *ret_position,
			 uint64_t *ret_oldest) must_check;

/*
 * Read up to `max` changes from *position on, and move it; references are the caller's.
 *
 * wait_ms   how long to wait for the first one. Blocks.
 * ret_head  the version up to which the kind's history has now been read when fewer than max came.
 *
 * Returns the number of changes; -1 when the history has run over the reader.
 */
int sim_history_read(struct sim_store *s, const struct sim_kind *kind, uint64_t *position, struct sim_event *events,
		     int max, int64_t wait_ms, uint64_t *ret_head);
void sim_event_clear(struct sim_event *event);

/* From now on everything up to now is too old: for continue tokens and for watches. */
void sim_store_compact(struct sim_store *s);

/* Put an object that still exists on the controllers' list, delay_ms from now. */
void sim_store_touch(struct sim_store *s, const struct sim_object *object, int64_t delay_ms);

/* The next object that a controller must look at, referenced. Blocks; NULL when the store was stopped. */
struct sim_object *sim_store_next_due(struct sim_store *s);

/* Does an object with this uid exist? */
bool sim_store_has_uid(struct sim_store *s, const char *uid);

/* All objects whose owner references name this uid, of one kind or (NULL) of any. For sim_list_clear(). */
enum rc sim_store_dependents(struct sim_store *s, const char *uid, const struct sim_kind *kind,
			     struct sim_list *ret_list) must_check;

/*
 * For an object that names owners of which none exists: milliseconds until it is to be collected, 0 when now.
 * -1: it has an owner, or needs none.
 */
int64_t sim_store_orphan_wait_ms(struct sim_store *s, const struct sim_object *object);

/* How long ago the object was created, and began to be deleted (0: it did not). False: it is gone. */
bool sim_store_ages(struct sim_store *s, const struct sim_object *object, int64_t *ret_age_ms,
		    int64_t *ret_deleting_ms);

/* Number of objects of the kind. */
size_t sim_store_count(struct sim_store *s, const struct sim_kind *kind);

#endif
