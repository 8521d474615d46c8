/*
 * Derives the state to report from the facts of an instance. Pure.
 */
#ifndef MONITOR_RECONCILE_H
#define MONITOR_RECONCILE_H

#include "common/base/buf.h"
#include "common/container/container_state.h"

#define RECONCILE_MESSAGE_MAX (FACT_MESSAGE_MAX + 1) /* bytes with the NUL */
#define RECONCILE_NAME_MAX 254                       /* bytes of a root's name with the NUL */

struct reconciled {
	bool exists;    /* there is a root; otherwise nothing below is set */
	bool unchanged; /* keep the previous status */
	/*
	 * There should be a Pod, but none that is not being deleted. The kinds are watched separately, and after an
	 * interruption one may lag behind: this may then be a state that never existed, with Pods already deleted, and
	 * a root whose deletion is not known yet.
	 */
	bool podless;
	enum container_status status;
	int64_t recheck_ms; /* clock_mono_ms(): process again then without an event; 0: never */
	uint64_t digest;    /* of status, message and output: equal digests need no event */
	char message[RECONCILE_MESSAGE_MAX];
	enum kube_kind kind;           /* of the root */
	char name[RECONCILE_NAME_MAX]; /* of the root */
	struct buf output;             /* its addresses (output_spec.h) while RUNNING; empty: unknown */
};

void reconciled_clear(struct reconciled *reconciled);
#define cleanup_reconciled cleanup_with(reconciled_clear)

/*
 * Derive the state of an instance (container_state_derive() for its root).
 *
 * facts     all facts of the instance. Of several roots with its id the one that GET returns is used: not being deleted
 *           before being deleted, then the one with the id as its name, then the oldest.
 * now_ms    clock_mono_ms().
 * namespace of the containers; NULL: without Services and addresses.
 * ret_reconciled  reconciled_clear() by the caller.
 */
void reconcile(const struct fact *const *facts, size_t count, int64_t now_ms, const struct status_rules *rules,
	       const char *namespace, struct reconciled *ret_reconciled);

/* Update output and digest after a change of the status. */
void reconcile_seal(struct reconciled *reconciled);

/* The digest of a status and a message without an output, as in struct reconciled. */
uint64_t reconcile_digest(enum container_status status, const char *message);

#endif
