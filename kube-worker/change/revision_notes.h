/*
 * Notes on a container's root (ANNOTATION_REVISIONS) with data that its revisions lack: the annotations of the root for
 * each template when that was last current. Written together with updates. Pure.
 *
 * A note is identified by a digest of its template, as the controller may not have created the revision yet. Only the
 * newest notes that fit are kept, at most one per revision: a revision without a note uses its own annotations.
 */
#ifndef KUBE_WORKER_CHANGE_REVISION_NOTES_H
#define KUBE_WORKER_CHANGE_REVISION_NOTES_H

#include "common/services/json.h"

#define REVISION_DIGEST_MAX 33 /* bytes of a digest with its NUL */
#define REVISION_NOTES_MAX 11  /* Kubernetes keeps ten in addition to the current one by default */

/* The annotations stored for a template; borrowed. */
struct revision_note {
	const char *spec;   /* ANNOTATION_SPEC; NULL: none */
	const char *change; /* ANNOTATION_CHANGE; NULL: none */
};

/* From an object's annotations. */
struct revision_note revision_note_of(const cJSON *object);

/*
 * The digest of an object's `spec.template`: the same for a root and its revision. Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc revision_digest(const cJSON *object, char ret_digest[REVISION_DIGEST_MAX], struct error *err) must_check;

/* Store a note of the root's current state. Errors: those of revision_digest(). */
enum rc revision_notes_take(cJSON *root, struct error *err) must_check;

/*
 * Remove the note of the current state, if any, as the revision has the same data. Errors: those of revision_digest().
 */
enum rc revision_notes_drop(cJSON *root, struct error *err) must_check;

/*
 * Remove the oldest notes that do not fit together with the other annotations and a mark (change_mark.h). No effect
 * without notes. Errors: RC_NO_MEMORY.
 */
enum rc revision_notes_fit(cJSON *root, struct error *err) must_check;

/*
 * Read the notes of a root. Malformed notes are ignored.
 *
 * ret_notes  owned by the caller (cJSON_Delete).
 * Errors: RC_NO_MEMORY.
 */
enum rc revision_notes_read(const cJSON *root, cJSON **ret_notes, struct error *err) must_check;

/* The note of a template. Returns false if there is none. ret_note: borrowed from the notes. */
bool revision_notes_find(const cJSON *notes, const char *digest, struct revision_note *ret_note);

#endif
