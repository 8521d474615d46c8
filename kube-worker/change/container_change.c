#include "kube-worker/change/container_change.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/services/json_write.h"
#include "kube-worker/change/change_mark.h"
#include "kube-worker/change/change_root.h"
#include "kube-worker/change/change_settle.h"
#include "kube-worker/container/children_plan.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/operation/permission.h"

#define PAUSE_MAX_MS 40 /* random delay after a conflict */
#define TEXTS_MAX 1024

/* The state of an update request. */
struct changer {
	const cJSON *request;
	const char *id;
	const char *token;
	change_decide decide;
	void *ctx;
	struct root root;
	bool ended; /* the callback has returned an error */
};

/* fresh: its children were just changed. */
static enum rc say(struct op_call *call, const struct changer *c, bool fresh, struct buf *result, struct error *err)
{
	return change_root_write_view(call, &c->root, fresh, result, call->etag, err);
}

/* Wait for an update of another request, if still running. */
static enum rc wait_for_other(struct op_call *call, struct changer *c, struct error *err)
{
	const char *text = root_annotation(&c->root, ANNOTATION_CHANGING);
	cleanup_json cJSON *tree = NULL;
	struct change_mark mark = { .caller = "" };
	enum caller_word word;

	if (change_mark_read(text, &tree, &mark, err) == RC_NO_MEMORY)
		return RC_NO_MEMORY;
	if (call->caller && mark.caller[0] && permission_same_call(call->caller, mark.caller))
		return RC_OK;
	word = permission_probe(call->env->caller, mark.caller, "");
	if (word == CALLER_OPEN || word == CALLER_SILENT)
		return error_set(err, RC_PENDING, "another update of container '%s' is incomplete", c->id);
	return RC_OK;
}

/* Children change as well: try their writes, and create a mark. */
static enum rc prepare_children(struct op_call *call, const struct changer *c, const cJSON *before,
				const struct change *change, cJSON *object, bool *ret_any, struct error *err)
{
	const struct run_state run = run_state_read(c->root.object);
	struct children_plan plan cleanup_children_plan = { 0 };
	struct buf mark cleanup_buf = buf_make(CHANGE_MARK_MAX);
	enum rc rc = children_plan_make(call, &c->root, c->id, before, change->spec, &plan, err);

	*ret_any = !rc && children_plan_is_any(&plan);
	if (rc || !*ret_any)
		return rc;
	rc = children_plan_try(call, &plan, err);
	if (!rc)
		rc = change_mark_write(call->caller, false, change->spec, before, &run, &mark, err);
	return rc ? rc : change_root_set_mark(object, mark.data, err);
}

static enum rc finish(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	bool undone;
	enum rc rc = change_settle(call, c->id, &c->root, &undone, err);

	if (undone)
		return error_wrap(err, err->rc, "the update was rolled back");
	return rc ? rc : say(call, c, true, result, err);
}

/*
 *  Compare specs regardless of the order of members. As text, because doubles may not distinguish large numbers.
 */
static enum rc is_same_spec(const cJSON *a, const cJSON *b, bool *ret_same, struct error *err)
{
	struct buf of_a cleanup_buf = buf_make(CONTAINER_VIEW_MAX);
	struct buf of_b cleanup_buf = buf_make(CONTAINER_VIEW_MAX);
	struct json_writer to_a = json_writer_make(&of_a);
	struct json_writer to_b = json_writer_make(&of_b);
	enum rc rc = json_canonical(&to_a, NULL, a, err);

	if (!rc)
		rc = json_canonical(&to_b, NULL, b, err);
	if (!rc)
		rc = buf_check(&of_a, err);
	if (!rc)
		rc = buf_check(&of_b, err);
	if (!rc)
		*ret_same = strcmp(of_a.data, of_b.data) == 0;
	return rc;
}

static bool is_same_run(const struct run_state *a, const struct run_state *b)
{
	return a->replicas == b->replicas && a->kept == b->kept && str_equal(a->restarted, b->restarted);
}

static enum rc write_change(struct op_call *call, struct changer *c, const cJSON *before, struct change *change,
			    struct buf *result, struct error *err)
{
	const struct run_state run = run_state_read(c->root.object);
	struct buf from cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf to cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *object = cJSON_Duplicate(c->root.object, 1);
	bool children = false;
	bool same = false;
	enum rc rc = object ? is_same_spec(before, change->spec, &same, err) : error_no_memory(err);

	if (run_state_stop_is_over(&change->run))
		change->run.kept = RUN_STATE_RUNS;
	if (!rc && same && is_same_run(&run, &change->run))
		return say(call, c, false, result, err);
	change->run.change = c->token;
	if (!rc)
		rc = change_root_write(c->root.kind, c->id, before, &run, &from, err);
	if (!rc)
		rc = change_root_write(c->root.kind, c->id, change->spec, &change->run, &to, err);
	if (!rc)
		rc = change_root_note_before(c->root.kind, object, err);
	if (!rc)
		rc = change_root_merge(&from, &to, object, err);
	if (!rc)
		rc = change_root_set_refused(object, c->token, false, err);
	if (!rc)
		rc = prepare_children(call, c, before, change, object, &children, err);
	if (!rc && !children)
		rc = change_root_note_after(c->root.kind, object, err);
	if (!rc)
		rc = permission_hold(call, err);
	if (!rc)
		rc = change_root_put(call, &c->root, object, err);
	if (rc)
		return rc;
	return children ? finish(call, c, result, err) : say(call, c, false, result, err);
}

static enum rc decide(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	struct change change = { .root = &c->root, .texts = buf_make(TEXTS_MAX) };
	cleanup_json cJSON *before = NULL;
	enum rc rc = change_root_read_spec(call, &c->root, &before, change.etag, err);

	change.run = run_state_read(c->root.object);
	if (!rc) {
		change.spec = cJSON_Duplicate(before, 1);
		rc = change.spec ? c->decide(c->ctx, call, c->request, &change, err) : error_no_memory(err);
		c->ended = rc;
	}
	if (!rc) {
		change_root_drop_outputs(&c->root, change.spec);
		rc = write_change(call, c, before, &change, result, err);
	}
	cJSON_Delete(change.spec);
	buf_clear(&change.texts);
	return rc;
}

/* RC_OK without a result: must be called again. */
static enum rc change_once(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	const char *last;
	enum rc rc = container_find(call, c->id, &c->root, err);

	if (!rc && root_annotation(&c->root, ANNOTATION_CHANGING)) {
		rc = wait_for_other(call, c, err);
		return rc ? rc : change_settle(call, c->id, &c->root, NULL, err);
	}
	if (rc)
		return rc;
	last = root_annotation(&c->root, ANNOTATION_CHANGE);
	if (str_equal(last, c->token))
		return say(call, c, true, result, err);
	rc = precondition_check(call, c->request, &c->root, err);
	return rc ? rc : decide(call, c, result, err);
}

enum rc container_change(struct op_call *call, const cJSON *request, change_decide decider, void *ctx,
			 struct buf *result, struct error *err)
{
	struct changer c = {
		.request = request,
		.id = json_string_at(request, "id"),
		.token = json_string_at(request, "token"),
		.decide = decider,
		.ctx = ctx,
	};
	enum rc rc;

	do {
		buf_reset(result);
		rc = change_once(call, &c, result, err);
		if (rc == RC_CONFLICT && !c.ended)
			clock_sleep_ms(random_below(PAUSE_MAX_MS));
	} while (!c.ended && (rc == RC_CONFLICT || (!rc && !result->len)) && clock_mono_ms() < call->deadline_ms);
	root_clear(&c.root);
	if (!c.ended && (rc == RC_CONFLICT || (!rc && !result->len)))
		return error_set(err, RC_TIMEOUT, "container '%s' keeps changing", c.id);
	return rc;
}
