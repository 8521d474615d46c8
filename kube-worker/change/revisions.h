/*
 * The revisions of a container: earlier templates of its root, each with the client's spec when it was last current.
 *
 * For a Deployment these are ReplicaSets, to which the controller copies the root's annotations while they are current.
 * For a StatefulSet they are ControllerRevisions, which keep the annotations of their creation: later ones are in the
 * notes of the root (revision_notes.h); a ControllerRevision that becomes the newest again loses its old number.
 *
 * The current revision is the one with the root's template, as for the controllers: until they have observed an update
 * there is none, and the newest one is the previous one.
 */
#ifndef KUBE_WORKER_CHANGE_REVISIONS_H
#define KUBE_WORKER_CHANGE_REVISIONS_H

#include "kube-worker/change/revision_notes.h"
#include "kube-worker/container/root.h"

#define REVISIONS_SHOWN_MAX 10 /* including the current one */

struct revision {
	const cJSON *object; /* converted to the form of a ReplicaSet */
	int64_t number;
	bool current;
	struct revision_note note; /* when it was last current */
};

/* Newest first. Zeroed: none. */
struct revisions {
	cJSON *list;
	cJSON *notes;
	struct revision *items;
	size_t count;
};

void revisions_clear(struct revisions *revisions);
#define cleanup_revisions cleanup_with(revisions_clear)

/*
 * Read the revisions of a root, by a list.
 *
 * root       must outlive them.
 * revisions  zeroed; revisions_clear() by the caller.
 * Errors: as op_kube_get(); RC_INTERNAL.
 */
enum rc revisions_read(struct op_call *call, const struct root *root, const char *id, struct revisions *revisions,
		       struct error *err) must_check;

/* The revision with this number, or with this earlier number; NULL: none. */
const struct revision *revisions_find(const struct revisions *revisions, int64_t number);

/* The newest one that is not current, without those of rejected updates; NULL: none. */
const struct revision *revisions_before(const struct revisions *revisions, const struct root *root);

/* ANNOTATION_RESTARTED of its template; NULL: none. */
const char *revision_restarted(const struct revision *revision);

/* Its spec for clients, without addresses. ret_spec: owned by the caller. Errors: RC_NO_MEMORY, RC_INTERNAL. */
enum rc revision_spec(const struct root *root, const struct revision *revision, cJSON **ret_spec, struct error *err)
	must_check;

/* Write it for clients. Errors: those of revision_spec(). */
enum rc revision_write(struct json_writer *w, const char *id, const struct root *root, const struct revision *revision,
		       struct error *err) must_check;

#endif
