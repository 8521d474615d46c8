/*
 * The root in an update: the mutable part, and the PUT that replaces it, with the resourceVersion that was read.
 */
#ifndef KUBE_WORKER_CHANGE_CHANGE_ROOT_H
#define KUBE_WORKER_CHANGE_CHANGE_ROOT_H

#include "common/container/container_view.h"
#include "common/container/run_state.h"
#include "kube-worker/container/root.h"

/*
 * Append the container for clients.
 *
 * fresh     its children were just changed: read them by lists, as the cache may be outdated.
 * ret_etag  its version.
 * Errors: as container_gather().
 */
enum rc change_root_write_view(struct op_call *call, const struct root *root, bool fresh, struct buf *out,
			       char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/*
 * Read its spec as clients may change it: as change_root_write_view() without change_root_drop_outputs().
 *
 * ret_spec  owned by the caller (cJSON_Delete). Errors: as container_gather().
 */
enum rc change_root_read_spec(struct op_call *call, const struct root *root, cJSON **ret_spec,
			      char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/* Remove values set by the cluster from a spec. */
void change_root_drop_outputs(const struct root *root, cJSON *spec);

/* Append the desired root for a spec and run state. Errors: as workload_make(), workload_write(). */
enum rc change_root_write(enum kube_kind kind, const char *id, const cJSON *spec, const struct run_state *run,
			  struct buf *out, struct error *err) must_check;

/* Apply the difference of two texts of change_root_write() to `live`. Errors: as object_merge(). */
enum rc change_root_merge(const struct buf *from, const struct buf *to, cJSON *live, struct error *err) must_check;

/* Set the mark of an update (change_mark.h) in an object before it is written; "": none. Errors: RC_NO_MEMORY. */
enum rc change_root_set_mark(cJSON *live, const char *mark, struct error *err) must_check;

/*
 * Add or remove the token of a rejected update, whose revision rollback must skip. Errors: RC_NO_MEMORY.
 */
enum rc change_root_set_refused(cJSON *live, const char *token, bool refused, struct error *err) must_check;

/*
 * For kinds whose revisions are not updated, store a note of the current state (revision_notes.h): after an update, as
 * the next one may be by another program; before an update even if the controller has not observed the last one yet.
 * Errors: as revision_notes_take().
 */
enum rc change_root_note_after(enum kube_kind kind, cJSON *live, struct error *err) must_check;
enum rc change_root_note_before(enum kube_kind kind, cJSON *live, struct error *err) must_check;

/*
 * Replace the root, and update it with the response. Needs the permission (permission.h). Errors: RC_NOT_FOUND it was
 * deleted, RC_CONFLICT changed in the meantime; as op_kube_update().
 */
enum rc change_root_put(struct op_call *call, struct root *root, cJSON *object, struct error *err) must_check;

#endif
