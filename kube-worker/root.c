#include "kube-worker/root.h"

#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/services/json_write.h"
#include "kube-worker/op_kube.h"

#define PATCH_MAX 4096

void root_clear(struct root *root)
{
	cJSON_Delete(root->object);
	*root = (struct root){ 0 };
}

enum rc root_get(struct op_call *call, const char *name, struct root *root, struct error *err)
{
	enum rc rc = RC_NOT_FOUND;

	root_clear(root);
	for (int kind = workload_root_from(0); rc == RC_NOT_FOUND && kind < KUBE_KIND_COUNT;
	     kind = workload_root_from(kind + 1)) {
		struct kube_reply reply cleanup_kube_reply = { 0 };

		rc = op_kube_get(call, (enum kube_kind)kind, name, &reply, err);
		if (rc)
			continue;
		root->kind = (enum kube_kind)kind;
		root->object = TAKE(reply.object);
	}
	return rc;
}

enum rc root_fact(const struct root *root, struct fact **ret_fact, struct error *err)
{
	return fact_from_object(root->kind, root->object, ret_fact, err);
}

/* ---- what it says ------------------------------------------------------------------------------------------------ */

const char *root_uid(const struct root *root)
{
	return json_string_at(root->object, "metadata.uid");
}

bool root_is(const struct root *root, const struct kube_uid *uid)
{
	struct kube_uid own = kube_uid_parse(root_uid(root));

	return kube_uid_equal(&own, uid);
}

bool root_is_live(const struct root *root, const char *id)
{
	return labels_are_live(root->object, id);
}

const char *root_annotation(const struct root *root, const char *name)
{
	return cJSON_GetStringValue(json_get(json_at(root->object, "metadata.annotations"), name));
}

const char *root_token(const struct root *root)
{
	return root_annotation(root, ANNOTATION_TOKEN);
}

const char *root_owed_to(const struct root *root)
{
	return root_annotation(root, ANNOTATION_OWED);
}

/* ---- its marks --------------------------------------------------------------------------------------------------- */

/* value NULL: the annotation is removed. */
static void write_annotation(const char *uid, const char *name, const char *value, struct buf *patch)
{
	struct json_writer w = json_writer_make(patch);

	json_begin_object(&w, NULL);
	json_begin_object(&w, "metadata");
	json_string(&w, "uid", uid);
	json_begin_object(&w, "annotations");
	if (value)
		json_string(&w, name, value);
	else
		json_raw(&w, name, "null", sizeof("null") - 1);
	json_end_object(&w);
	json_end_object(&w);
	json_end_object(&w);
}

/* Another uid is "invalid": field is immutable (client-go's controller_ref_manager.go says so as well). */
static bool is_gone(enum rc rc)
{
	return rc == RC_NOT_FOUND || rc == RC_CONFLICT || rc == RC_INVALID_ARGUMENT;
}

enum rc root_mark_owed(struct op_call *call, const struct root *root, const char *caller, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf patch cleanup_buf = buf_make(PATCH_MAX);
	enum rc rc;

	write_annotation(root_uid(root), ANNOTATION_OWED, caller, &patch);
	rc = op_kube_patch(call, root->kind, json_string_at(root->object, "metadata.name"), &patch, &reply, err);
	return is_gone(rc) ? error_wrap(err, RC_NOT_FOUND, "the container has been deleted or replaced") : rc;
}

/* The kind is not known: what is not there, or has another uid, may be a root of the next kind. */
static enum rc mark(struct op_call *call, const char *name, const char *uid, const char *annotation, const char *value,
		    struct error *err)
{
	struct buf patch cleanup_buf = buf_make(PATCH_MAX);
	enum rc rc = RC_NOT_FOUND;

	write_annotation(uid, annotation, value, &patch);
	for (int kind = workload_root_from(0); is_gone(rc) && kind < KUBE_KIND_COUNT;
	     kind = workload_root_from(kind + 1)) {
		struct kube_reply reply cleanup_kube_reply = { 0 };

		rc = op_kube_patch(call, (enum kube_kind)kind, name, &patch, &reply, err);
	}
	return is_gone(rc) ? RC_OK : rc;
}

enum rc root_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err)
{
	return mark(call, name, uid, ANNOTATION_OWED, NULL, err);
}

enum rc root_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			  struct error *err)
{
	return mark(call, name, uid, ANNOTATION_PROBLEM, problem, err);
}
