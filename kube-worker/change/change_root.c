#include "kube-worker/change/change_root.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/object_merge.h"
#include "common/container/workload.h"
#include "kube-worker/change/revision_notes.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/operation/op_kube.h"

#define REFUSED_MAX 10 /* rejected updates that are stored: the number of revisions of a container */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

enum rc change_root_write_view(struct op_call *call, const struct root *root, bool fresh, struct buf *out,
			       char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct json_writer w = json_writer_make(out);
	enum rc rc = fresh ? container_gather_fresh(call, root, &extras, err)
			   : container_gather(call, root, &extras, err);

	return rc ? rc : container_view_write(&w, root->object, &extras, ret_etag, err);
}

/* A network with only the Pod's address is removed, unless written by the client. */
void change_root_drop_outputs(const struct root *root, cJSON *spec)
{
	const char *text = root_annotation(root, ANNOTATION_SPEC);
	cleanup_json cJSON *written = NULL;
	cJSON *network = json_get(spec, "network");

	cJSON_DeleteItemFromObjectCaseSensitive(json_get(spec, "metadata"), "namespace");
	cJSON_DeleteItemFromObjectCaseSensitive(network, "ip");
	if (!network || network->child)
		return;
	if (!text || json_parse(text, strlen(text), &written, NULL) || !cJSON_IsObject(json_get(written, "network")))
		cJSON_DeleteItemFromObjectCaseSensitive(spec, "network");
}

enum rc change_root_read_spec(struct op_call *call, const struct root *root, cJSON **ret_spec,
			      char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(CONTAINER_VIEW_MAX);
	cleanup_json cJSON *view = NULL;
	enum rc rc = change_root_write_view(call, root, false, &text, ret_etag, err);

	if (!rc)
		rc = json_parse(text.data, text.len, &view, err);
	if (rc)
		return rc;
	*ret_spec = cJSON_DetachItemFromObjectCaseSensitive(view, "spec");
	change_root_drop_outputs(root, *ret_spec);
	return RC_OK;
}

/* ---- the root ---------------------------------------------------------------------------------------------------- */

/* The desired root for a spec and run state. */
enum rc change_root_write(enum kube_kind kind, const char *id, const cJSON *spec, const struct run_state *run,
			  struct buf *out, struct error *err)
{
	const struct workload_source source = { .root = kind, .id = id, .spec = spec, .run = run };
	struct workload workload;
	enum rc rc = workload_make(&source, &workload, err);

	return rc ? rc : workload_write(&workload, &workload.objects[0], NULL, out, err);
}

enum rc change_root_merge(const struct buf *from, const struct buf *to, cJSON *live, struct error *err)
{
	cleanup_json cJSON *before = NULL;
	cleanup_json cJSON *now = NULL;
	enum rc rc = json_parse(from->data, from->len, &before, err);

	if (!rc)
		rc = json_parse(to->data, to->len, &now, err);
	return rc ? rc : object_merge(before, now, live, err);
}

/* mark "": none. */
enum rc change_root_set_mark(cJSON *live, const char *mark, struct error *err)
{
	cJSON *metadata = json_get(live, "metadata");
	cJSON *annotations = json_get(metadata, "annotations");

	cJSON_DeleteItemFromObjectCaseSensitive(annotations, ANNOTATION_CHANGING);
	if (!mark[0])
		return RC_OK;
	if (!annotations)
		annotations = cJSON_AddObjectToObject(metadata, "annotations");
	return cJSON_AddStringToObject(annotations, ANNOTATION_CHANGING, mark) ? RC_OK : error_no_memory(err);
}

/* A rejected update may have created a revision, which rollback must skip: its token is stored in the list. */
enum rc change_root_set_refused(cJSON *live, const char *token, bool refused, struct error *err)
{
	cJSON *annotations = json_at(live, "metadata.annotations");
	const char *before = cJSON_GetStringValue(json_get(annotations, ANNOTATION_REFUSED));
	struct buf list cleanup_buf = buf_make((REFUSED_MAX + 1) * (PROTOCOL_TOKEN_MAX + 1));
	int count = refused;
	enum rc rc;

	if (!refused && !before)
		return RC_OK;
	buf_add_str(&list, refused ? token : "");
	for (const char *at = before; at && *at && count < REFUSED_MAX; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (len < PROTOCOL_TOKEN_MAX && (len != strlen(token) || strncmp(at, token, len) != 0)) {
			buf_add_str(&list, list.len ? " " : "");
			buf_add(&list, at, len);
			count++;
		}
		at += len;
	}
	rc = buf_check(&list, err);
	if (rc)
		return rc;
	cJSON_DeleteItemFromObjectCaseSensitive(annotations, ANNOTATION_REFUSED);
	if (!list.len || cJSON_AddStringToObject(annotations, ANNOTATION_REFUSED, list.data))
		return RC_OK;
	return error_no_memory(err);
}

/*
 * For kinds whose revisions are not updated: store a note of the current state at the end of an update, as the next one
 * may be by another program.
 */
enum rc change_root_note_after(enum kube_kind kind, cJSON *live, struct error *err)
{
	return workload_revisions_follow(kind) ? RC_OK : revision_notes_take(live, err);
}

/* The same before an update, even if the controller has not observed the last one yet. */
enum rc change_root_note_before(enum kube_kind kind, cJSON *live, struct error *err)
{
	bool seen = json_int_at(live, "status.observedGeneration", 0) >= json_int_at(live, "metadata.generation", 0);

	return workload_revisions_follow(kind) && seen ? revision_notes_drop(live, err)
						       : revision_notes_take(live, err);
}

/* Replace the root, and update it with the response. */
enum rc change_root_put(struct op_call *call, struct root *root, cJSON *object, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct json_writer w = json_writer_make(&body);
	enum rc rc = revision_notes_fit(object, err);

	if (rc)
		return rc;
	json_tree(&w, NULL, object);
	rc = op_kube_update(call, root->kind, json_string_at(root->object, "metadata.name"), &body, &reply, err);
	if (rc == RC_NOT_FOUND)
		return error_set(err, rc, "the container was deleted in the meantime");
	if (rc)
		return rc;
	cJSON_Delete(root->object);
	root->object = TAKE(reply.object);
	return RC_OK;
}
