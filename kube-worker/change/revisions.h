/*
 * The revisions of a container: what its root has kept of itself, each with the template of its time, and with what the
 * client had written when it was last the current one.
 *
 * Of a Deployment these are ReplicaSets, to which the controller copies the root's annotations for as long as they are
 * the current one. Of a StatefulSet they are ControllerRevisions: their annotations are the first ones, so what came
 * later is in the notes of the root (revision_notes.h); and one that becomes the newest again forgets the number that
 * it had.
 *
 * The current one is that with the root's template, as the controllers find it: until they have seen a change there is
 * none, and the newest one is the one before.
 */
#ifndef KUBE_WORKER_CHANGE_REVISIONS_H
#define KUBE_WORKER_CHANGE_REVISIONS_H

#include "kube-worker/change/revision_notes.h"
#include "kube-worker/container/root.h"

#define REVISIONS_SHOWN_MAX 10 /* with the current one */

struct revision {
	const cJSON *object; /* in the form of a ReplicaSet */
	int64_t number;
	bool current;
	struct revision_note note; /* of when it was last the current one */
};

/* Zeroed: none. The newest first. */
struct revisions {
	cJSON *list;
	cJSON *notes;
	struct revision *items;
	size_t count;
};

void revisions_clear(struct revisions *revisions);
#define cleanup_revisions cleanup_with(revisions_clear)

/*
 * Read those of a root, by a list.
 *
 * root       is to outlive them.
 * revisions  zeroed; revisions_clear() by the caller.
 * Errors: as op_kube_get(); RC_INTERNAL.
 */
enum rc revisions_read(struct op_call *call, const struct root *root, const char *id, struct revisions *revisions,
		       struct error *err) must_check;

/* The one that has this number, or had it before it became the newest again; NULL: there is none. */
const struct revision *revisions_find(const struct revisions *revisions, int64_t number);

/* The newest one that is not current, without those of changes that were refused and put back; NULL: there is none. */
const struct revision *revisions_before(const struct revisions *revisions, const struct root *root);

/* ANNOTATION_RESTARTED of its template; NULL: none. */
const char *revision_restarted(const struct revision *revision);

/* Its spec as clients see it, without addresses. ret_spec: given to the caller. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc revision_spec(const struct root *root, const struct revision *revision, cJSON **ret_spec, struct error *err)
	must_check;

/* Write it as clients see it. Errors: those of revision_spec(). */
enum rc revision_write(struct json_writer *w, const char *id, const struct root *root, const struct revision *revision,
		       struct error *err) must_check;

#endif
