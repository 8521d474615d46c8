/*
 * The revisions of a container: the ReplicaSets that its Deployment has kept, each with the template of its time and, in its
 * annotations, which the Deployment's controller copies, what the client had written.
 */
#ifndef KUBE_WORKER_REVISIONS_H
#define KUBE_WORKER_REVISIONS_H

#include "kube-worker/root.h"

#define REVISIONS_SHOWN_MAX 10 /* with the current one */

/* Zeroed: none. The newest first. */
struct revisions {
	cJSON *list; /* of ReplicaSets */
	const cJSON **items;
	size_t count;
	int64_t current; /* the Deployment's; 0: not known yet */
};

void revisions_clear(struct revisions *revisions);
#define cleanup_revisions cleanup_with(revisions_clear)

/*
 * Read those of a root, by a list.
 *
 * revisions  zeroed; revisions_clear() by the caller.
 * Errors: as op_kube_get().
 */
enum rc revisions_read(struct op_call *call, const struct root *root, const char *id, struct revisions *revisions,
		       struct error *err) must_check;

/* The number of a revision. */
int64_t revision_number(const cJSON *item);

/* The one that has this number, or had it before it became the newest again; NULL: there is none. */
const cJSON *revisions_find(const struct revisions *revisions, int64_t number);

/* The newest one before the current one, without those of changes that were refused and put back; NULL: there is none. */
const cJSON *revisions_before(const struct revisions *revisions, const struct root *root);

/* ANNOTATION_RESTARTED of its template; NULL: none. */
const char *revision_restarted(const cJSON *item);

/* Its spec as clients see it, without addresses. ret_spec: given to the caller. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc revision_spec(const struct root *root, const cJSON *item, cJSON **ret_spec, struct error *err) must_check;

/* Write it as clients see it. Errors: those of revision_spec(). */
enum rc revision_write(struct json_writer *w, const char *id, const struct root *root,
		       const struct revisions *revisions, const cJSON *item, struct error *err) must_check;

#endif
