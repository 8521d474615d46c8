/*
 * From the facts of one instance to what is to be said of it. Pure.
 */
#ifndef MONITOR_RECONCILE_H
#define MONITOR_RECONCILE_H

#include "common/base/buf.h"
#include "common/container/container_state.h"

#define RECONCILE_MESSAGE_MAX (FACT_MESSAGE_MAX + 1) /* bytes with the NUL */
#define RECONCILE_NAME_MAX 254                       /* bytes of a root's name with the NUL */

struct reconciled {
	bool exists;    /* there is a root; otherwise nothing below is set */
	bool unchanged; /* no news: an earlier status stays */
	/*
	 * No Pod speaks that is here to stay, though there should be one. The kinds are watched apart, and after an
	 * interruption one of them may be much later than another: then this may be a state that never was, made of
	 * Pods that have gone and a root of which is not known yet that it has.
	 */
	bool podless;
	enum container_status status;
	int64_t recheck_ms; /* clock_mono_ms(): look again then without any event; 0: never */
	uint64_t digest;    /* of status, message and output: equal digests need no second event */
	char message[RECONCILE_MESSAGE_MAX];
	enum kube_kind kind;           /* of the root */
	char name[RECONCILE_NAME_MAX]; /* of the root */
	struct buf output;             /* where it is reached (output_spec.h) while it is RUNNING; empty: not known */
};

void reconciled_clear(struct reconciled *reconciled);
#define cleanup_reconciled cleanup_with(reconciled_clear)

/*
 * Derive the state of an instance (container_state_derive() for its root).
 *
 * facts     all facts of the instance. Of several roots that claim its id the one speaks that GET shows: one
 *           that is not being deleted first, then the one with the id as its name, then the oldest.
 * now_ms    clock_mono_ms().
 * namespace of the containers; NULL: their Services are not known, and so not where they are reached.
 * ret_reconciled  reconciled_clear() by the caller.
 */
void reconcile(const struct fact *const *facts, size_t count, int64_t now_ms, const struct status_rules *rules,
	       const char *namespace, struct reconciled *ret_reconciled);

/* After a change of the status: bring output and digest up to date with it. */
void reconcile_seal(struct reconciled *reconciled);

/* The digest of a status and a message without an output, as in struct reconciled. */
uint64_t reconcile_digest(enum container_status status, const char *message);

#endif
