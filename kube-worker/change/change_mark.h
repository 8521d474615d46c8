/*
 * The mark of a change that is not complete (ANNOTATION_CHANGING): on the root, written with the change itself, while
 * its other objects are changed. It says whose change it is, and what the container was before.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_MARK_H
#define KUBE_WORKER_CHANGE_CHANGE_MARK_H

#include "common/container/run_state.h"
#include "common/services/json_write.h"

#define CHANGE_MARK_MAX 32768 /* bytes; Kubernetes allows 256 KiB of annotations together */

/* Texts belong to the tree that it was read from. */
struct change_mark {
	const char *caller;   /* the reply subject of the attempt; "": not known */
	bool undo;            /* it was refused: the root is as before, the other objects have to follow */
	const cJSON *delta;   /* leads from the root's spec to the other one (spec_delta.h) */
	struct run_state run; /* of the other one */
};

/*
 * Write a mark.
 *
 * spec, other  the root's spec beside the mark, and the other one. other_run: how it ran with that.
 * Errors: RC_INVALID_ARGUMENT too much changes at once for an annotation; RC_NO_MEMORY.
 */
enum rc change_mark_write(const char *caller, bool undo, const cJSON *spec, const cJSON *other,
			  const struct run_state *other_run, struct buf *out, struct error *err) must_check;

/*
 * Read a mark.
 *
 * ret_tree  given to the caller (cJSON_Delete).
 * Errors: RC_INVALID_ARGUMENT it is none of ours; RC_NO_MEMORY.
 */
enum rc change_mark_read(const char *text, cJSON **ret_tree, struct change_mark *ret_mark, struct error *err)
	must_check;

#endif
