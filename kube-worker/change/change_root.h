/*
 * The root in a change: what clients may change of it, and the one PUT that writes it, with the version that was read.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_ROOT_H
#define KUBE_WORKER_CHANGE_CHANGE_ROOT_H

#include "common/container/container_view.h"
#include "common/container/run_state.h"
#include "kube-worker/container/root.h"

/*
 * Append the container as clients see it.
 *
 * fresh     its children were changed just now: by lists, since the cache may not show it yet.
 * ret_etag  its version.
 * Errors: as container_gather().
 */
enum rc change_root_write_view(struct op_call *call, const struct root *root, bool fresh, struct buf *out,
			       char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/*
 * Read its spec as clients may change it: as change_root_write_view() without change_root_drop_outputs().
 *
 * ret_spec  given to the caller (cJSON_Delete). Errors: as container_gather().
 */
enum rc change_root_read_spec(struct op_call *call, const struct root *root, cJSON **ret_spec,
			      char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/* Remove from a spec what the cluster puts in. */
void change_root_drop_outputs(const struct root *root, cJSON *spec);

/* Append the root as we want it, by a spec and how it runs. Errors: as workload_make(), workload_write(). */
enum rc change_root_write(enum kube_kind kind, const char *id, const cJSON *spec, const struct run_state *run,
			  struct buf *out, struct error *err) must_check;

/* Change in `live` what differs between two texts of change_root_write(). Errors: as object_merge(). */
enum rc change_root_merge(const struct buf *from, const struct buf *to, cJSON *live, struct error *err) must_check;

/* Set the mark of a change (change_mark.h) in an object that is to be written; "": none. Errors: RC_NO_MEMORY. */
enum rc change_root_set_mark(cJSON *live, const char *mark, struct error *err) must_check;

/*
 * Note, or forget, that the change of that token was refused: it may have made a revision, which is none to go back to.
 * Errors: RC_NO_MEMORY.
 */
enum rc change_root_set_refused(cJSON *live, const char *token, bool refused, struct error *err) must_check;

/*
 * Note what a container is whose revisions do not keep up with it (revision_notes.h): after a change, when it is
 * complete, since the next one may be by others; before a change also when the controller has not seen the last one
 * yet. Errors: as revision_notes_take().
 */
enum rc change_root_note_after(enum kube_kind kind, cJSON *live, struct error *err) must_check;
enum rc change_root_note_before(enum kube_kind kind, cJSON *live, struct error *err) must_check;

/*
 * Write the object over the root, which becomes what it is then. Needs the permission (permission.h). Errors:
 * RC_NOT_FOUND it was deleted, RC_CONFLICT changed meanwhile; as op_kube_update().
 */
enum rc change_root_put(struct op_call *call, struct root *root, cJSON *object, struct error *err) must_check;

#endif
