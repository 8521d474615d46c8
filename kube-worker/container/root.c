#include "kube-worker/container/root.h"

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/services/json_write.h"
#include "kube-worker/operation/op_kube.h"

#define PATCH_MAX 4096

void root_clear(struct root *root)
{
	cJSON_Delete(root->object);
	*root = (struct root){ 0 };
}

/* ---- finding it -------------------------------------------------------------------------------------------------- */

/* Roots with that name in the cache. */
struct sight {
	const char *name;
	unsigned kinds;                      /* as bits */
	int64_t created_ms[KUBE_KIND_COUNT]; /* of these roots */
};

static void note_kind(struct sight *sight, const struct fact *root)
{
	sight->kinds |= 1u << root->kind;
	sight->created_ms[root->kind] = root->created_ms;
}

static void note_kinds(void *ctx, const struct fact *const *facts, size_t count)
{
	struct sight *sight = ctx;

	for (size_t i = 0; i < count; i++)
		if (workload_is_root(facts[i]->kind) && str_equal(facts[i]->name, sight->name))
			note_kind(sight, facts[i]);
}

static struct sight look(struct kube_cache *cache, const char *name)
{
	struct sight sight = { .name = name };

	kube_cache_visit(cache, name, note_kinds, &sight);
	return sight;
}

unsigned root_kinds_seen(struct kube_cache *cache, const char *name)
{
	return look(cache, name).kinds;
}

static bool comes_first(const struct sight *sight, enum kube_kind a, enum kube_kind b)
{
	bool a_seen = sight->kinds & 1u << a;
	bool b_seen = sight->kinds & 1u << b;

	return a_seen != b_seen ? a_seen : workload_root_precedes(sight->created_ms[a], a, sight->created_ms[b], b);
}

size_t root_kinds(struct kube_cache *cache, const char *name, enum kube_kind ret_kinds[KUBE_KIND_COUNT])
{
	const struct sight sight = look(cache, name);
	size_t count = 0;

	for (int kind = workload_root_from(0); kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1)) {
		size_t at = count++;

		for (; at > 0 && comes_first(&sight, (enum kube_kind)kind, ret_kinds[at - 1]); at--)
			ret_kinds[at] = ret_kinds[at - 1];
		ret_kinds[at] = (enum kube_kind)kind;
	}
	return count;
}

static bool may_be_forbidden(enum kube_kind kind, enum rc rc)
{
	return rc == RC_PERMISSION_DENIED && workload_optional_kinds() & 1u << kind;
}

bool root_is_absent(struct kube_cache *cache, enum kube_kind kind, const char *name, enum rc rc)
{
	return rc == RC_NOT_FOUND || (may_be_forbidden(kind, rc) && !(root_kinds_seen(cache, name) & 1u << kind));
}

static void note_all_kinds(void *ctx, const struct fact *const *facts, size_t count)
{
	unsigned *kinds = ctx;

	for (size_t i = 0; i < count; i++)
		*kinds |= 1u << facts[i]->kind;
}

bool root_kind_is_absent(struct kube_cache *cache, enum kube_kind kind, enum rc rc)
{
	unsigned seen = 0;

	if (may_be_forbidden(kind, rc))
		kube_cache_visit_all(cache, note_all_kinds, &seen);
	return may_be_forbidden(kind, rc) && !(seen & 1u << kind);
}

enum rc root_get(struct op_call *call, enum kube_kind kind, const char *name, struct root *root, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = op_kube_get(call, kind, name, &reply, err);

	root_clear(root);
	if (rc)
		return root_is_absent(call->env->cache, kind, name, rc) ? RC_NOT_FOUND : rc;
	root->kind = kind;
	root->object = TAKE(reply.object);
	return RC_OK;
}

enum rc root_find(struct op_call *call, const char *name, root_test test, const void *what, struct root *root,
		  struct error *err)
{
	enum kube_kind kinds[KUBE_KIND_COUNT];
	size_t count = root_kinds(call->env->cache, name, kinds);

	for (size_t i = 0; i < count; i++) {
		enum rc rc = root_get(call, kinds[i], name, root, err);

		if (rc ? rc != RC_NOT_FOUND : test(root, what))
			return rc;
	}
	root_clear(root);
	return error_set(err, RC_NOT_FOUND, "container '%s' does not exist", name);
}

bool root_has_uid(const struct root *root, const void *uid)
{
	struct kube_uid own = kube_uid_parse(root_uid(root));

	return kube_uid_equal(&own, uid);
}

bool root_has_token(const struct root *root, const void *token)
{
	return str_equal(root_token(root), token);
}

bool root_is_live_of(const struct root *root, const void *id)
{
	return root_is_live(root, id);
}

enum rc root_fact(const struct root *root, struct fact **ret_fact, struct error *err)
{
	return fact_from_object(root->kind, root->object, ret_fact, err);
}

/* ---- contents ---------------------------------------------------------------------------------------------------- */

const char *root_uid(const struct root *root)
{
	return json_string_at(root->object, "metadata.uid");
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
	const char *caller = root_annotation(root, ANNOTATION_OWED);

	return caller && caller[0] ? caller : NULL;
}

bool root_has_record(const struct root *root)
{
	return root_annotation(root, ANNOTATION_ATTEMPT) && !root_annotation(root, ANNOTATION_OWED);
}

/* ---- its marks --------------------------------------------------------------------------------------------------- */

/* version NULL: any; value NULL: remove the annotation. */
static void write_annotation(const char *uid, const char *version, const char *name, const char *value,
			     struct buf *patch)
{
	struct json_writer w = json_writer_make(patch);

	json_begin_object(&w, NULL);
	json_begin_object(&w, "metadata");
	json_string(&w, "uid", uid);
	json_optional_string(&w, "resourceVersion", version);
	json_begin_object(&w, "annotations");
	if (value)
		json_string(&w, name, value);
	else
		json_raw(&w, name, "null", sizeof("null") - 1);
	json_end_object(&w);
	json_end_object(&w);
	json_end_object(&w);
}

/* A changed uid is reported as "invalid": field is immutable (see also client-go's controller_ref_manager.go). */
static bool is_gone(enum rc rc)
{
	return rc == RC_NOT_FOUND || rc == RC_CONFLICT || rc == RC_INVALID_ARGUMENT;
}

enum rc root_mark_owed(struct op_call *call, const struct root *root, const char *caller, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf patch cleanup_buf = buf_make(PATCH_MAX);
	const char *version = json_string_at(root->object, "metadata.resourceVersion");
	enum rc rc;

	write_annotation(root_uid(root), version, ANNOTATION_OWED, caller, &patch);
	rc = op_kube_patch(call, root->kind, json_string_at(root->object, "metadata.name"), &patch, &reply, err);
	return is_gone(rc) ? error_wrap(err, RC_NOT_FOUND, "the container was changed or deleted") : rc;
}

/* The kind is unknown: if not found, or with another uid, try the next kind. */
static enum rc mark(struct op_call *call, const char *name, const char *uid, const char *annotation, const char *value,
		    struct error *err)
{
	struct buf patch cleanup_buf = buf_make(PATCH_MAX);
	enum kube_kind kinds[KUBE_KIND_COUNT];
	size_t count = root_kinds(call->env->cache, name, kinds);

	write_annotation(uid, NULL, annotation, value, &patch);
	for (size_t i = 0; i < count; i++) {
		struct kube_reply reply cleanup_kube_reply = { 0 };
		enum rc rc = op_kube_patch(call, kinds[i], name, &patch, &reply, err);

		if (!is_gone(rc) && !root_is_absent(call->env->cache, kinds[i], name, rc))
			return rc;
	}
	return RC_OK;
}

enum rc root_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err)
{
	return mark(call, name, uid, ANNOTATION_OWED, "", err);
}

enum rc root_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			  struct error *err)
{
	return mark(call, name, uid, ANNOTATION_PROBLEM, problem, err);
}
