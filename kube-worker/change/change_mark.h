/*
 * The mark of an incomplete update (ANNOTATION_CHANGING) on the root, written with the update, while the other objects
 * are updated. It has the caller and the previous state.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_MARK_H
#define KUBE_WORKER_CHANGE_CHANGE_MARK_H

#include "common/container/run_state.h"
#include "common/services/json_write.h"

#define CHANGE_MARK_MAX 32768 /* bytes; Kubernetes allows 256 KiB for all annotations */

/* Texts are owned by the tree. */
struct change_mark {
	const char *caller;   /* the reply subject of the attempt; "": unknown */
	bool undo;            /* rejected: the root was restored, the other objects must follow */
	const cJSON *delta;   /* from the root's spec to the other one (spec_delta.h) */
	struct run_state run; /* of the other one */
};

/*
 * Write a mark.
 *
 * spec, other  the root's spec, and the other one. other_run: the run state with that.
 * Errors: RC_INVALID_ARGUMENT the difference is too large for an annotation; RC_NO_MEMORY.
 */
enum rc change_mark_write(const char *caller, bool undo, const cJSON *spec, const cJSON *other,
			  const struct run_state *other_run, struct buf *out, struct error *err) must_check;

/*
 * Read a mark.
 *
 * ret_tree  owned by the caller (cJSON_Delete).
 * Errors: RC_INVALID_ARGUMENT malformed; RC_NO_MEMORY.
 */
enum rc change_mark_read(const char *text, cJSON **ret_tree, struct change_mark *ret_mark, struct error *err)
	must_check;

#endif
