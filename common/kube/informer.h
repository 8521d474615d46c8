/*
 * List and watch one kind in one namespace, forever: the listener receives every change, and the complete state again
 * after every interruption.
 */
#ifndef COMMON_KUBE_INFORMER_H
#define COMMON_KUBE_INFORMER_H

#include "common/kube/kube_auth.h"
#include "common/kube/kube_path.h"
#include "common/kube/kube_watch_parser.h"

struct informer;

/* How changes are detected after the first list. */
enum informer_mode {
	INFORMER_WATCH, /* always by watching */
	INFORMER_POLL,  /* by lists, every 10 s after a change, less often (up to 60 s) while nothing changes */
	INFORMER_AUTO   /* by watching; by lists while watching is forbidden (403) or not supported (400, 405, 501) */
};

/* The listener. Called on the informer's thread; must not block. */
struct informer_listener {
	/* A list begins: all objects follow; an object not reported before list_end no longer exists. */
	void (*list_begin)(void *ctx, enum kube_kind kind);
	/* An object of the list, or ADDED, MODIFIED, DELETED from the watch. An error restarts the list. */
	enum rc (*object)(void *ctx, enum kube_kind kind, enum kube_event event, const cJSON *object,
			  struct error *err);
	void (*list_end)(void *ctx, enum kube_kind kind);
	/* The list is forbidden (403); it is retried periodically. May be NULL. */
	void (*list_forbidden)(void *ctx, enum kube_kind kind);
	void *ctx;
	const char *selector; /* label selector; must outlive the informer */
};

struct informer_counts {
	int64_t lists;   /* complete ones */
	int64_t watches; /* opened */
	int64_t events;
	int64_t failures;
	int64_t failing; /* failures since the last list or event, or the last normal end of a watch */
	int64_t version; /* all changes up to this resourceVersion were delivered; 0: none, or not a number */
	bool polling;    /* currently polling */
};

/*
 * Start a thread that lists, and then watches or polls.
 *
 * auth, listener  outlive the informer; namespace is copied.
 * The first list is read from etcd (no resourceVersion): after a restart no older state than before may be reported.
 * Silent connections are detected within 60 s.
 *
 * ret_informer    owned by the caller (informer_destroy).
 * Errors: RC_NO_MEMORY, RC_INTERNAL (no thread).
 */
enum rc informer_create(struct kube_auth *auth, const char *namespace, enum kube_kind kind, enum informer_mode mode,
			const struct informer_listener *listener, struct informer **ret_informer, struct error *err)
	must_check;

/* Request the thread to end; returns immediately. For several informers: stop all, then destroy all. */
void informer_stop(struct informer *informer);

/* Stop, wait for the thread (about a second), and free. NULL is allowed. */
void informer_destroy(struct informer *informer);

/*
 * Stop, and let the thread free it when it ends, about a second later: for callers that must not block.
 * ended  called then, on that thread, as the last step: the listener is no longer used.
 */
void informer_abandon(struct informer *informer, void (*ended)(void *ctx), void *ctx);

/* Statistics. Thread-safe. */
struct informer_counts informer_counts(struct informer *informer);

/* The last failure; rc RC_OK: none, or without an error. Thread-safe. */
struct error informer_failure(struct informer *informer);

#endif
