/*
 * List and watch one kind in one namespace, forever: the listener hears every change, and after every interruption the
 * complete state again.
 */
#ifndef COMMON_KUBE_INFORMER_H
#define COMMON_KUBE_INFORMER_H

#include "common/kube/kube_auth.h"
#include "common/kube/kube_path.h"
#include "common/kube/kube_watch_parser.h"

struct informer;

/* How changes are learned after the first list. */
enum informer_mode {
	INFORMER_WATCH, /* by watching, whatever the server says to it */
	INFORMER_POLL,  /* by lists, every 10 s after a change, less often (up to 60 s) while nothing changes */
	INFORMER_AUTO   /* by watching; by lists while watching is forbidden (403) or not supported (400, 405, 501) */
};

/* Who listens. All are called on the informer's thread; they must not block. */
struct informer_listener {
	/* A list begins: all objects will be told, what is not among them at list_end no longer exists. */
	void (*list_begin)(void *ctx, enum kube_kind kind);
	/* An object of the list, or ADDED, MODIFIED, DELETED from the watch. An error starts the list anew. */
	enum rc (*object)(void *ctx, enum kube_kind kind, enum kube_event event, const cJSON *object,
			  struct error *err);
	void (*list_end)(void *ctx, enum kube_kind kind);
	/* The list is forbidden (403); it is tried again now and then. May be NULL. */
	void (*list_forbidden)(void *ctx, enum kube_kind kind);
	void *ctx;
	const char *selector; /* of labels: which objects it wants to hear of; outlives the informer */
};

struct informer_counts {
	int64_t lists;   /* complete ones */
	int64_t watches; /* that were opened */
	int64_t events;
	int64_t failures;
	int64_t failing; /* failures since the last list or event, or the last watch that ended in order */
	int64_t version; /* all changes up to this resourceVersion have been told; 0: none, or it is no number */
	bool polling;    /* at this moment lists take the place of a watch */
};

/*
 * Start a thread that lists, and watches or lists again.
 *
 * auth, listener  outlive the informer; namespace is copied.
 * The first list is read from etcd (no resourceVersion): after a restart nothing older than what was seen before may
 * be told. Connections that went silent are found within 60 s.
 *
 * ret_informer    owned by the caller (informer_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL (no thread).
 */
enum rc informer_create(struct kube_auth *auth, const char *namespace, enum kube_kind kind, enum informer_mode mode,
			const struct informer_listener *listener, struct informer **ret_informer, struct error *err)
	must_check;

/* Ask the thread to end; returns at once. For several informers: stop all, then destroy all. */
void informer_stop(struct informer *informer);

/* Stop, wait for the thread (about a second), and free. NULL is allowed. */
void informer_destroy(struct informer *informer);

/*
 * Stop, and let the thread free it when it ends, about a second later: for those who must not wait.
 * ended  called then, on that thread, as the last thing: nothing of the listener is used any more.
 */
void informer_abandon(struct informer *informer, void (*ended)(void *ctx), void *ctx);

/* What happened so far. Any thread. */
struct informer_counts informer_counts(struct informer *informer);

/* The last failure; rc RC_OK: there was none, or it has no error. Any thread. */
struct error informer_failure(struct informer *informer);

#endif
