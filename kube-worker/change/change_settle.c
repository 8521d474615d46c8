#include "kube-worker/change/change_settle.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/spec_delta.h"
#include "common/services/log.h"
#include "kube-worker/change/change_mark.h"
#include "kube-worker/change/change_root.h"
#include "kube-worker/container/children_plan.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/operation/permission.h"

#define CHILD_TRIES_MAX 5 /* retries because of concurrent changes of a child */

/* A root with a mark, parsed. */
struct settling {
	cJSON *tree; /* of the mark */
	struct change_mark mark;
	cJSON *spec;  /* the root's */
	cJSON *other; /* the other spec, from the mark */
	struct run_state run;
};

static void settling_clear(struct settling *s)
{
	cJSON_Delete(TAKE(s->tree));
	cJSON_Delete(TAKE(s->spec));
	cJSON_Delete(TAKE(s->other));
}

static enum rc settling_read(struct op_call *call, const struct root *root, struct settling *s, struct error *err)
{
	const char *text = root_annotation(root, ANNOTATION_CHANGING);
	char etag[CONTAINER_ETAG_MAX];
	enum rc rc = change_mark_read(text ? text : "", &s->tree, &s->mark, err);

	s->run = run_state_read(root->object);
	if (!rc)
		rc = change_root_read_spec(call, root, &s->spec, etag, err);
	if (rc)
		return rc;
	s->other = cJSON_Duplicate(s->spec, 1);
	return s->other ? spec_delta_apply(s->mark.delta, s->other, err) : error_no_memory(err);
}

static bool is_same_annotation(const struct root *a, const struct root *b, const char *name)
{
	return str_equal(root_annotation(a, name), root_annotation(b, name));
}

/* RC_CONFLICT: the root was replaced or changed. */
static enum rc check_root(struct op_call *call, const struct root *root, struct error *err)
{
	const struct kube_uid uid = kube_uid_parse(root_uid(root));
	struct root now cleanup_root = { 0 };
	enum rc rc = root_get(call, root->kind, json_string_at(root->object, "metadata.name"), &now, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
	if (root_has_uid(&now, &uid) && is_same_annotation(&now, root, ANNOTATION_CHANGING) &&
	    is_same_annotation(&now, root, ANNOTATION_CHANGE))
		return RC_OK;
	return error_set(err, RC_CONFLICT, "the container has changed in the meantime");
}

/*
 * Update the children from one spec to the root's, as long as the root is unchanged (RC_CONFLICT). *ret_written: a
 * write may have been, or may still be, executed, regardless of the result.
 */
static enum rc follow(struct op_call *call, const char *id, const struct root *root, const cJSON *from,
		      const cJSON *spec, bool *ret_written, struct error *err)
{
	for (int i = 0; i < CHILD_TRIES_MAX; i++) {
		struct children_plan plan cleanup_children_plan = { 0 };
		enum rc rc = children_plan_make(call, root, id, from, spec, &plan, err);

		if (rc || !children_plan_is_any(&plan))
			return rc;
		rc = check_root(call, root, err); /* immediately before the writes */
		if (rc)
			return rc;
		*ret_written = true;
		rc = children_plan_run(call, &plan, err);
		if (rc != RC_CONFLICT)
			return rc;
	}
	return error_set(err, RC_UNAVAILABLE, "the other objects of the container keep changing");
}

/* Restore the previous state of the root; its mark then has the rejected one. */
static enum rc put_back(struct op_call *call, const char *id, struct root *root, const struct settling *s,
			struct error *err)
{
	struct buf from cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf to cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf mark cleanup_buf = buf_make(CHANGE_MARK_MAX);
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	enum rc rc = object ? change_root_write(root->kind, id, s->spec, &s->run, &from, err) : error_no_memory(err);

	if (!rc)
		rc = change_root_write(root->kind, id, s->other, &s->mark.run, &to, err);
	if (!rc)
		rc = change_root_merge(&from, &to, object, err);
	if (!rc)
		rc = change_mark_write(s->mark.caller, true, s->other, s->spec, &s->run, &mark, err);
	if (!rc)
		rc = change_root_set_mark(object, mark.data, err);
	if (!rc && s->run.change)
		rc = change_root_set_refused(object, s->run.change, true, err);
	if (!rc)
		rc = permission_hold(call, err);
	return rc ? rc : change_root_put(call, root, object, err);
}

static enum rc drop_mark_once(struct op_call *call, struct root *root, struct error *err)
{
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	enum rc rc = object ? change_root_set_mark(object, "", err) : error_no_memory(err);

	if (!rc)
		rc = change_root_note_after(root->kind, object, err);
	if (!rc)
		rc = permission_hold(call, err);
	return rc ? rc : change_root_put(call, root, object, err);
}

/* Retries, as the controller updates the root concurrently. RC_CONFLICT: the mark has changed or was removed. */
static enum rc drop_mark(struct op_call *call, const char *id, struct root *root, struct error *err)
{
	cleanup_free char *mark = str_dup(root_annotation(root, ANNOTATION_CHANGING));
	enum rc rc = mark ? RC_OK : error_no_memory(err);

	while (!rc) {
		rc = drop_mark_once(call, root, err);
		if (rc != RC_CONFLICT)
			return rc;
		rc = container_find(call, id, root, err);
		if (!rc && !str_equal(root_annotation(root, ANNOTATION_CHANGING), mark))
			return RC_CONFLICT;
	}
	return rc;
}

static bool is_final(const struct op_call *call, enum rc rc)
{
	return rc == RC_ALREADY_EXISTS || (rc != RC_CANCELLED && call->refused);
}

/*
 * One step: complete it, or set the mark of a rollback. RC_CONFLICT: the root has changed, and must be read again;
 * *ret_written is then the spec that children may have been updated to. `why` is set if it was rejected.
 */
static enum rc settle_once(struct op_call *call, const char *id, struct root *root, cJSON **ret_written,
			   struct error *why, struct error *err)
{
	struct settling s cleanup_with(settling_clear) = { 0 };
	bool written = false;
	enum rc rc = settling_read(call, root, &s, err);

	if (rc == RC_INVALID_ARGUMENT) { /* malformed */
		log_warn("the mark of a change is malformed; removing it", log_str("id", id), log_err(err));
		return drop_mark(call, id, root, err);
	}
	if (rc)
		return rc;
	call->refused = false;
	rc = follow(call, id, root, s.other, s.spec, &written, err);
	if (!rc) {
		rc = drop_mark(call, id, root, err);
		if (!rc && !s.mark.undo)
			why->rc = RC_OK; /* it was rejected before, and is accepted now */
	} else if (is_final(call, rc) && !s.mark.undo) {
		*why = *err;
		rc = put_back(call, id, root, &s, err);
	}
	if (rc == RC_CONFLICT && written)
		*ret_written = TAKE(s.spec);
	return rc;
}

/*
 * The root was updated while we wrote children: as a create has no version precondition, it may have been executed
 * later. Update the written children to the current root.
 */
static enum rc catch_up(struct op_call *call, const char *id, struct root *root, const cJSON *written,
			struct error *err)
{
	enum rc rc;

	do {
		cleanup_json cJSON *spec = NULL;
		char etag[CONTAINER_ETAG_MAX];
		bool again = false;

		rc = container_find(call, id, root, err);
		if (!rc)
			rc = change_root_read_spec(call, root, &spec, etag, err);
		if (!rc)
			rc = follow(call, id, root, written, spec, &again, err);
		if (!rc && again)
			rc = check_root(call, root, err);
	} while (rc == RC_CONFLICT && clock_mono_ms() < call->deadline_ms);
	return rc;
}

enum rc change_settle(struct op_call *call, const char *id, struct root *root, bool *ret_undone, struct error *err)
{
	struct error why = { .rc = RC_OK };
	enum rc rc = RC_OK;

	while (!rc && root_annotation(root, ANNOTATION_CHANGING)) {
		cleanup_json cJSON *written = NULL;

		rc = settle_once(call, id, root, &written, &why, err);
		if (rc == RC_CONFLICT)
			rc = written ? catch_up(call, id, root, written, err) : container_find(call, id, root, err);
	}
	if (why.rc && !rc)
		*err = why;
	if (ret_undone)
		*ret_undone = !rc && why.rc;
	return rc;
}
