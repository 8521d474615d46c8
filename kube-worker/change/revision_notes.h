/*
 * Notes on a container's root (ANNOTATION_REVISIONS) of what its revisions do not say: what the root said beside each
 * of its templates when that was last the current one. They are written with the changes themselves. Pure.
 *
 * A note is found by a digest of its template, not by the name of a revision: the controller may not have made that
 * yet. Only the newest are kept, as many as there are revisions and as fit: a revision without a note is as its own
 * annotations say.
 */
#ifndef KUBE_WORKER_CHANGE_REVISION_NOTES_H
#define KUBE_WORKER_CHANGE_REVISION_NOTES_H

#include "common/services/json.h"

#define REVISION_DIGEST_MAX 33 /* bytes of a digest with its NUL */
#define REVISION_NOTES_MAX 11  /* Kubernetes keeps ten beside the current one, unless it is told otherwise */

/* What was beside a template; borrowed. */
struct revision_note {
	const char *spec;   /* ANNOTATION_SPEC; NULL: none */
	const char *change; /* ANNOTATION_CHANGE; NULL: none */
};

/* Of what an object's annotations say. */
struct revision_note revision_note_of(const cJSON *object);

/*
 * The digest of an object's `spec.template`: the same for a root and for the revision that its controller made of it.
 * Errors: RC_NO_MEMORY, RC_INTERNAL.
 */
enum rc revision_digest(const cJSON *object, char ret_digest[REVISION_DIGEST_MAX], struct error *err) must_check;

/* Note what a root is now. Errors: those of revision_digest(). */
enum rc revision_notes_take(cJSON *root, struct error *err) must_check;

/*
 * Drop the note of what it is now, as its revision says the same; if there is one. Errors: those of revision_digest().
 */
enum rc revision_notes_drop(cJSON *root, struct error *err) must_check;

/*
 * Let go of the oldest notes for which there is no room beside the other annotations, and a mark (change_mark.h).
 * Nothing for a root without notes. Errors: RC_NO_MEMORY.
 */
enum rc revision_notes_fit(cJSON *root, struct error *err) must_check;

/*
 * Read those of a root. What others wrote in their place counts as none.
 *
 * ret_notes  given to the caller (cJSON_Delete).
 * Errors: RC_NO_MEMORY.
 */
enum rc revision_notes_read(const cJSON *root, cJSON **ret_notes, struct error *err) must_check;

/* The one of a template. False: there is none. ret_note: borrowed from the notes. */
bool revision_notes_find(const cJSON *notes, const char *digest, struct revision_note *ret_note);

#endif
