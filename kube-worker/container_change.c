#include "kube-worker/container_change.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/object_merge.h"
#include "common/container/spec_delta.h"
#include "common/container/spec_ports.h"
#include "common/services/json_canonical.h"
#include "common/services/log.h"
#include "kube-worker/change_mark.h"
#include "kube-worker/container_children.h"
#include "kube-worker/container_find.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/permission.h"

#define VIEW_MAX (16u * 1024 * 1024) /* bytes of a container as clients see it */
#define PAUSE_MAX_MS 40              /* after a conflict, so that not all come back at once */
#define CHILD_TRIES_MAX 5            /* each time that a child was changed meanwhile */
#define TEXTS_MAX 1024
#define REFUSED_MAX 10 /* refused changes that are remembered: as many as a Deployment has revisions */

/* ---- what it is -------------------------------------------------------------------------------------------------- */

static enum rc write_view(struct op_call *call, const struct root *root, bool fresh, struct buf *out,
			  char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct json_writer w = json_writer_make(out);
	enum rc rc = fresh ? container_gather_fresh(call, root, &extras, err)
			   : container_gather(call, root, &extras, err);

	return rc ? rc : container_view_write(&w, root->object, &extras, ret_etag, err);
}

/* A network that only has the Pod's address is none, unless the client wrote it. */
static void drop_outputs(const struct root *root, cJSON *spec)
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

static enum rc read_spec(struct op_call *call, const struct root *root, cJSON **ret_spec,
			 char ret_etag[CONTAINER_ETAG_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(VIEW_MAX);
	cleanup_json cJSON *view = NULL;
	enum rc rc = write_view(call, root, false, &text, ret_etag, err);

	if (!rc)
		rc = json_parse(text.data, text.len, &view, err);
	if (rc)
		return rc;
	*ret_spec = cJSON_DetachItemFromObjectCaseSensitive(view, "spec");
	drop_outputs(root, *ret_spec);
	return RC_OK;
}

/* ---- the root ---------------------------------------------------------------------------------------------------- */

/* The root as we want it, by a spec and how it runs. */
static enum rc write_root(const char *id, const cJSON *spec, const struct run_state *run, struct buf *out,
			  struct error *err)
{
	const struct workload_source source = { .id = id, .spec = spec, .run = run };
	struct workload workload;
	enum rc rc = workload_make(&source, &workload, err);

	return rc ? rc : workload_write(&workload, &workload.objects[0], NULL, out, err);
}

static enum rc merge_root(const struct buf *from, const struct buf *to, cJSON *live, struct error *err)
{
	cleanup_json cJSON *before = NULL;
	cleanup_json cJSON *now = NULL;
	enum rc rc = json_parse(from->data, from->len, &before, err);

	if (!rc)
		rc = json_parse(to->data, to->len, &now, err);
	return rc ? rc : object_merge(before, now, live, err);
}

/* mark "": none. */
static enum rc set_mark(cJSON *live, const char *mark, struct error *err)
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

/* A refused change may have made a revision: those whose token is in the list are none to go back to. */
static enum rc set_refused(cJSON *live, const char *token, bool refused, struct error *err)
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

/* Write the object over the root, which becomes what it is then. */
static enum rc put_root(struct op_call *call, struct root *root, const cJSON *object, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct json_writer w = json_writer_make(&body);
	enum rc rc;

	json_tree(&w, NULL, object);
	rc = op_kube_update(call, root->kind, json_string_at(root->object, "metadata.name"), &body, &reply, err);
	if (rc == RC_NOT_FOUND)
		return error_set(err, rc, "the container was deleted meanwhile");
	if (rc)
		return rc;
	cJSON_Delete(root->object);
	root->object = TAKE(reply.object);
	return RC_OK;
}

/* ---- a change that is not complete ------------------------------------------------------------------------------- */

/* One look at a root with a mark. */
struct settling {
	cJSON *tree; /* of the mark */
	struct change_mark mark;
	cJSON *spec;  /* the root's */
	cJSON *other; /* the one that the mark leads to */
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
		rc = read_spec(call, root, &s->spec, etag, err);
	if (rc)
		return rc;
	s->other = cJSON_Duplicate(s->spec, 1);
	return s->other ? spec_delta_apply(s->mark.delta, s->other, err) : error_no_memory(err);
}

static bool is_same_annotation(const struct root *a, const struct root *b, const char *name)
{
	return str_equal(root_annotation(a, name), root_annotation(b, name));
}

/* RC_CONFLICT: the root is another one by now, or was changed. */
static enum rc check_root(struct op_call *call, const struct root *root, struct error *err)
{
	const struct kube_uid uid = kube_uid_parse(root_uid(root));
	struct root now cleanup_root = { 0 };
	enum rc rc = root_get(call, json_string_at(root->object, "metadata.name"), &now, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
	if (root_is(&now, &uid) && is_same_annotation(&now, root, ANNOTATION_CHANGING) &&
	    is_same_annotation(&now, root, ANNOTATION_CHANGE))
		return RC_OK;
	return error_set(err, RC_CONFLICT, "the container has been changed meanwhile");
}

/*
 * The children are brought from one spec to the root's, as long as the root stays as it is (RC_CONFLICT). *ret_written: a
 * write may have been carried out, now or later, whatever is returned.
 */
static enum rc follow(struct op_call *call, const char *id, const struct root *root, const cJSON *from,
		      const cJSON *spec, bool *ret_written, struct error *err)
{
	for (int i = 0; i < CHILD_TRIES_MAX; i++) {
		struct children_plan plan cleanup_children_plan = { 0 };
		enum rc rc = children_plan_make(call, root, id, from, spec, &plan, err);

		if (rc || !children_plan_is_any(&plan))
			return rc;
		rc = check_root(call, root, err); /* right before: what we know may be old */
		if (rc)
			return rc;
		*ret_written = true;
		rc = children_plan_run(call, &plan, err);
		if (rc != RC_CONFLICT)
			return rc;
	}
	return error_set(err, RC_UNAVAILABLE, "the container's other objects change all the time");
}

/* The root becomes what it was before; its mark now says what was refused. */
static enum rc put_back(struct op_call *call, const char *id, struct root *root, const struct settling *s,
			struct error *err)
{
	struct buf from cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf to cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf mark cleanup_buf = buf_make(CHANGE_MARK_MAX);
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	enum rc rc = object ? write_root(id, s->spec, &s->run, &from, err) : error_no_memory(err);

	if (!rc)
		rc = write_root(id, s->other, &s->mark.run, &to, err);
	if (!rc)
		rc = merge_root(&from, &to, object, err);
	if (!rc)
		rc = change_mark_write(s->mark.caller, true, s->other, s->spec, &s->run, &mark, err);
	if (!rc)
		rc = set_mark(object, mark.data, err);
	if (!rc && s->run.change)
		rc = set_refused(object, s->run.change, true, err);
	if (!rc)
		rc = permission_hold(call, err);
	return rc ? rc : put_root(call, root, object, err);
}

static enum rc drop_mark_once(struct op_call *call, struct root *root, struct error *err)
{
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	enum rc rc = object ? set_mark(object, "", err) : error_no_memory(err);

	if (!rc)
		rc = permission_hold(call, err);
	return rc ? rc : put_root(call, root, object, err);
}

/* The Deployment's controller writes at the same time. RC_CONFLICT: it is another mark by now, or none. */
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
 * One step: to the end, or to the mark of an undoing. RC_CONFLICT: the root has changed meanwhile, and is to be looked at
 * again; *ret_written is then the spec that the children may follow instead of the root's. `why` is set when it was refused.
 */
static enum rc settle_once(struct op_call *call, const char *id, struct root *root, cJSON **ret_written,
			   struct error *why, struct error *err)
{
	struct settling s cleanup_with(settling_clear) = { 0 };
	bool written = false;
	enum rc rc = settling_read(call, root, &s, err);

	if (rc == RC_INVALID_ARGUMENT) { /* not one of ours */
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
			why->rc = RC_OK; /* what was refused once was taken now */
	} else if (is_final(call, rc) && !s.mark.undo) {
		*why = *err;
		rc = put_back(call, id, root, &s, err);
	}
	if (rc == RC_CONFLICT && written)
		*ret_written = TAKE(s.spec);
	return rc;
}

/*
 * Others have gone on from there while we wrote children: nothing fences a create, so it may have come after theirs. What
 * we wrote follows the root as it is now.
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
			rc = read_spec(call, root, &spec, etag, err);
		if (!rc)
			rc = follow(call, id, root, written, spec, &again, err);
		if (!rc && again)
			rc = check_root(call, root, err);
	} while (rc == RC_CONFLICT && clock_mono_ms() < call->deadline_ms);
	return rc;
}

enum rc container_change_settle(struct op_call *call, const char *id, struct root *root, bool *ret_undone,
				struct error *err)
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

/* ---- what no change has left ---------------------------------------------------------------------------------------- */

/* Parts of a spec that want an object: where its removal begins. */
static const struct {
	const char *path; /* of the object that has the member */
	const char *member;
	const char *json;
} wishes[WORKLOAD_ROLE_COUNT] = {
	[WORKLOAD_SERVICE] = { "", "network", "{\"ports\":[{\"container_port\":1,\"visibility\":\"internal\"}]}" },
	[WORKLOAD_AUTOSCALER] = { "provider_hints.kubernetes", "autoscale", "{\"max\":1,\"cpu_percent\":1}" },
};

/* The roles that neither what the client wrote nor what the Pod shows wants, as bits. */
static enum rc find_unwanted(const struct root *root, const cJSON *spec, unsigned *ret_roles, struct error *err)
{
	const char *text = root_annotation(root, ANNOTATION_SPEC);
	cleanup_json cJSON *written = NULL;
	enum rc rc;

	if (!text || root_annotation(root, ANNOTATION_CHANGING))
		return RC_OK;
	rc = json_parse(text, strlen(text), &written, err);
	if (!rc && cJSON_IsObject(written))
		*ret_roles = WORKLOAD_ALL_ROLES &
			     ~(workload_wanted(written) | workload_wanted(spec) | 1u << WORKLOAD_ROOT);
	return rc == RC_NO_MEMORY ? rc : RC_OK;
}

/* By its name, its owner and its labels. */
static enum rc is_own_child(struct op_call *call, const char *id, const struct root *root, enum workload_role role,
			    bool *ret_own, struct error *err)
{
	const struct kube_uid owner = kube_uid_parse(root_uid(root));
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct workload_object object;
	enum rc rc = workload_child(role, id, &object, err);

	*ret_own = false;
	if (!rc)
		rc = op_kube_get(call, object.kind, object.name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	*ret_own = workload_holder(reply.object, id, &owner) == WORKLOAD_HELD_BY_ROOT &&
		   labels_are_live(reply.object, id);
	return RC_OK;
}

/* Where `member` of a spec is, which is made when it is missing; NULL when memory is short. */
static cJSON *open_member(cJSON *spec, const char *path)
{
	for (size_t len; spec && *path; path += len + (path[len] == '.')) {
		char name[32];
		cJSON *member;

		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		member = cJSON_GetObjectItemCaseSensitive(spec, name);
		spec = member ? member : cJSON_AddObjectToObject(spec, name);
	}
	return spec;
}

/* The spec as if it wanted these roles. */
static enum rc add_wishes(cJSON *spec, unsigned roles, struct error *err)
{
	for (int role = WORKLOAD_ROOT + 1; spec && role < WORKLOAD_ROLE_COUNT; role++) {
		cJSON *wish = NULL;
		cJSON *place;

		if (!(roles & 1u << role))
			continue;
		wish = cJSON_Parse(wishes[role].json);
		place = open_member(spec, wishes[role].path);
		cJSON_DeleteItemFromObjectCaseSensitive(place, wishes[role].member);
		if (!cJSON_AddItemToObject(place, wishes[role].member, wish)) {
			cJSON_Delete(wish);
			spec = NULL;
		}
	}
	return spec ? RC_OK : error_no_memory(err);
}

/* The mark of an undoing is the fence: who changes the root first settles it. */
static enum rc mark_removal(struct op_call *call, struct root *root, const cJSON *spec, unsigned roles,
			    struct error *err)
{
	const struct run_state run = run_state_read(root->object);
	struct buf mark cleanup_buf = buf_make(CHANGE_MARK_MAX);
	cleanup_json cJSON *object = cJSON_Duplicate(root->object, 1);
	cleanup_json cJSON *other = cJSON_Duplicate(spec, 1);
	enum rc rc = object ? add_wishes(other, roles, err) : error_no_memory(err);

	if (!rc)
		rc = change_mark_write(NULL, true, spec, other, &run, &mark, err);
	if (!rc)
		rc = set_mark(object, mark.data, err);
	return rc ? rc : put_root(call, root, object, err);
}

enum rc container_change_remove_stray(struct op_call *call, const char *id, struct root *root, bool *ret_removed,
				      struct error *err)
{
	cleanup_json cJSON *spec = NULL;
	char etag[CONTAINER_ETAG_MAX];
	unsigned strays = 0;
	enum rc rc = read_spec(call, root, &spec, etag, err);

	if (!rc)
		rc = find_unwanted(root, spec, &strays, err);
	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++) {
		bool own = false;

		if (strays & 1u << role)
			rc = is_own_child(call, id, root, (enum workload_role)role, &own, err);
		if (!own)
			strays &= ~(1u << role);
	}
	if (rc || !strays)
		return rc;
	rc = mark_removal(call, root, spec, strays, err);
	if (!rc)
		rc = container_change_settle(call, id, root, NULL, err);
	*ret_removed = !rc;
	return rc;
}

enum rc container_change_end_stop(struct op_call *call, struct root *root, struct error *err)
{
	const struct run_state run = run_state_read(root->object);
	cleanup_json cJSON *object = NULL;

	if (!run_state_stop_is_over(&run))
		return RC_OK;
	object = cJSON_Duplicate(root->object, 1);
	if (!object)
		return error_no_memory(err);
	cJSON_DeleteItemFromObjectCaseSensitive(json_at(object, "metadata.annotations"), ANNOTATION_STOPPED);
	return put_root(call, root, object, err);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* One request for a change. */
struct changer {
	const cJSON *request;
	const char *id;
	const char *token;
	change_decide decide;
	void *ctx;
	struct root root;
	bool ended; /* the operation has said what it thinks of it */
};

/* fresh: its children were changed just now. */
static enum rc say(struct op_call *call, const struct changer *c, bool fresh, struct buf *result, struct error *err)
{
	return write_view(call, &c->root, fresh, result, call->etag, err);
}

/* Whose change is it, and does that still go on? */
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
		return error_set(err, RC_PENDING, "another change of the container '%s' is not complete yet", c->id);
	return RC_OK;
}

/* The children change with it: what they are to be is tried before, and a mark is made. */
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
	return rc ? rc : set_mark(object, mark.data, err);
}

static enum rc finish(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	bool undone;
	enum rc rc = container_change_settle(call, c->id, &c->root, &undone, err);

	if (undone)
		return error_wrap(err, err->rc, "the container was changed and put back");
	return rc ? rc : say(call, c, true, result, err);
}

/* Is it the same, whatever the order of members? As text, since large numbers that differ are equal to some comparisons. */
static enum rc is_same_spec(const cJSON *a, const cJSON *b, bool *ret_same, struct error *err)
{
	struct buf of_a cleanup_buf = buf_make(VIEW_MAX);
	struct buf of_b cleanup_buf = buf_make(VIEW_MAX);
	struct json_writer to_a = json_writer_make(&of_a);
	struct json_writer to_b = json_writer_make(&of_b);
	enum rc rc = json_canonical_write(&to_a, NULL, a, err);

	if (!rc)
		rc = json_canonical_write(&to_b, NULL, b, err);
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
		rc = write_root(c->id, before, &run, &from, err);
	if (!rc)
		rc = write_root(c->id, change->spec, &change->run, &to, err);
	if (!rc)
		rc = merge_root(&from, &to, object, err);
	if (!rc)
		rc = set_refused(object, c->token, false, err);
	if (!rc)
		rc = prepare_children(call, c, before, change, object, &children, err);
	if (!rc)
		rc = permission_hold(call, err);
	if (!rc)
		rc = put_root(call, &c->root, object, err);
	if (rc)
		return rc;
	return children ? finish(call, c, result, err) : say(call, c, false, result, err);
}

static enum rc decide(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	struct change change = { .root = &c->root, .texts = buf_make(TEXTS_MAX) };
	cleanup_json cJSON *before = NULL;
	enum rc rc = read_spec(call, &c->root, &before, change.etag, err);

	change.run = run_state_read(c->root.object);
	if (!rc) {
		change.spec = cJSON_Duplicate(before, 1);
		rc = change.spec ? c->decide(c->ctx, call, c->request, &change, err) : error_no_memory(err);
		c->ended = rc;
	}
	if (!rc) {
		drop_outputs(&c->root, change.spec);
		rc = write_change(call, c, before, &change, result, err);
	}
	cJSON_Delete(change.spec);
	buf_clear(&change.texts);
	return rc;
}

/* RC_OK without a result: something else was to be done first. */
static enum rc change_once(struct op_call *call, struct changer *c, struct buf *result, struct error *err)
{
	const char *last;
	enum rc rc = container_find(call, c->id, &c->root, err);

	if (!rc && root_annotation(&c->root, ANNOTATION_CHANGING)) {
		rc = wait_for_other(call, c, err);
		return rc ? rc : container_change_settle(call, c->id, &c->root, NULL, err);
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
		return error_set(err, RC_TIMEOUT, "the container '%s' is being changed all the time", c.id);
	return rc;
}
