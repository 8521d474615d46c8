#include "kube-worker/container/removal.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/services/log.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/operation/op_kube.h"
#include "kube-worker/operation/permission.h"

#define FIRST_OBJECTS 4
#define LOOKS_MAX 3 /* retries if a marked root changes */
/*
 * Callers wait 10 s, of which an unavailable Kubernetes has used 8.
 */
#define TAKE_BACK_TIMEOUT_MS 2000

struct removal_object {
	enum workload_tie tie;
	enum kube_kind kind;
	struct kube_uid uid;
	char *name;
	char *version; /* its resourceVersion; NULL: any */
};

void removal_clear(struct removal *removal)
{
	for (size_t i = 0; i < removal->count; i++) {
		free(removal->objects[i].name);
		free(removal->objects[i].version);
	}
	free(removal->objects);
	*removal = (struct removal){ 0 };
}

static enum rc add(struct removal *removal, enum workload_tie tie, const struct fact *fact, struct error *err)
{
	struct removal_object *object;

	if (removal->count == removal->capacity) {
		size_t capacity = removal->capacity ? removal->capacity * 2 : FIRST_OBJECTS;
		struct removal_object *grown = realloc(removal->objects, capacity * sizeof(*grown));

		if (!grown)
			return error_no_memory(err);
		removal->objects = grown;
		removal->capacity = capacity;
	}
	object = &removal->objects[removal->count];
	*object = (struct removal_object){ tie, fact->kind, fact->uid, str_dup(fact->name), NULL };
	if (!object->name)
		return error_no_memory(err);
	removal->count++;
	return RC_OK;
}

static enum rc add_root(struct removal *removal, const struct root *root, const struct fact *fact, struct error *err)
{
	const char *version = json_string_at(root->object, "metadata.resourceVersion");
	enum rc rc = add(removal, WORKLOAD_IS_ROOT, fact, err);

	if (rc || !removal->exact || removal->count > 1 || !version)
		return rc;
	removal->objects[0].version = str_dup(version);
	return removal->objects[0].version ? RC_OK : error_no_memory(err);
}

/* ---- existing objects -------------------------------------------------------------------------------------------- */

struct search {
	struct removal *removal;
	const struct fact *root;
	unsigned missing; /* roles without an object in the cache, as bits */
	enum rc rc;
	struct error *err;
};

static void collect_children(void *ctx, const struct fact *const *facts, size_t count)
{
	struct search *search = ctx;

	search->missing = workload_missing(search->root, facts, count);
	for (size_t i = 0; !search->rc && i < count; i++) {
		enum workload_tie tie = workload_tie(&search->root->uid, facts[i]);

		if (tie == WORKLOAD_OWNED || (tie == WORKLOAD_OWNERLESS && !search->removal->owned))
			search->rc = add(search->removal, tie, facts[i], search->err);
	}
}

/* It may not be in the cache yet. */
static enum rc look_for_child(struct op_call *call, enum workload_role role, struct search *search, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	cleanup_free struct fact *child = NULL;
	struct workload_object object;
	enum rc rc = workload_child(role, search->root->instance_id, &object, err);

	if (!rc)
		rc = op_kube_get(call, object.kind, object.name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = fact_from_object(object.kind, reply.object, &child, err);
	if (rc || workload_tie(&search->root->uid, child) != WORKLOAD_OWNED)
		return rc;
	return add(search->removal, WORKLOAD_OWNED, child, err);
}

enum rc removal_add(struct op_call *call, struct removal *removal, const struct root *root, struct error *err)
{
	struct container_cache cache cleanup_container_cache = { 0 };
	cleanup_free struct fact *fact = NULL;
	struct search search = { .removal = removal, .err = err };
	enum rc rc = root_fact(root, &fact, err);

	if (!rc)
		rc = add_root(removal, root, fact, err);
	if (!rc)
		rc = container_cache_open(call, workload_child_kinds(), fact->instance_id, &cache, err);
	if (rc)
		return rc;
	search.root = fact;
	kube_cache_visit(cache.cache, fact->instance_id, collect_children, &search);
	rc = search.rc;
	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++)
		if (search.missing & 1u << role)
			rc = look_for_child(call, (enum workload_role)role, &search, err);
	return rc;
}

/* ---- deletion ---------------------------------------------------------------------------------------------------- */

static enum rc remove_object(struct op_call *call, const struct removal_object *object, struct error *err)
{
	enum rc rc = permission_hold(call, err);

	if (!rc && object->version)
		rc = op_kube_delete_version(call, object->kind, object->name, &object->uid, object->version, err);
	else if (!rc)
		rc = op_kube_delete(call, object->kind, object->name, &object->uid, err);
	if (!rc || rc == RC_CANCELLED || object->tie != WORKLOAD_OWNED)
		return rc;
	log_info("leaving an object to garbage collection", log_str("kind", kube_kind_name(object->kind)),
		 log_str("name", object->name), log_err(err));
	return RC_OK;
}

enum rc removal_run(struct op_call *call, const struct removal *removal, struct error *err)
{
	enum rc rc = RC_OK;

	for (int tie = 0; tie < WORKLOAD_TIE_COUNT; tie++)
		for (size_t i = 0; !rc && i < removal->count; i++)
			if ((int)removal->objects[i].tie == tie)
				rc = remove_object(call, &removal->objects[i], err);
	return rc;
}

/* ---- undo -------------------------------------------------------------------------------------------------------- */

/* given: a struct undo_what. */
static bool is_meant(const struct root *root, const void *given)
{
	const struct undo_what *what = given;

	return labels_are_of(root->object, what->id) && str_equal(root_token(root), what->token) &&
	       (!what->uid || str_equal(root_uid(root), what->uid)) &&
	       (!what->owed_to || str_equal(root_owed_to(root), what->owed_to)) &&
	       (!what->by_record || root_has_record(root));
}

static enum rc undo(struct op_call *call, const struct undo_what *what, struct error *err)
{
	struct root root cleanup_root = { 0 };
	struct removal removal cleanup_removal = { .owned = true, .exact = what->owed_to != NULL };
	enum rc rc = root_find(call, what->id, is_meant, what, &root, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = removal_add(call, &removal, &root, err);
	return rc ? rc : removal_run(call, &removal, err);
}

enum rc removal_undo(struct op_call *call, const struct undo_what *what, struct error *err)
{
	int64_t deadline_ms = call->deadline_ms;
	const char *caller = TAKE(call->caller);
	enum rc rc = RC_CONFLICT;

	call->deadline_ms = clock_mono_ms() + TAKE_BACK_TIMEOUT_MS;
	for (int looks = 0; rc == RC_CONFLICT && looks < LOOKS_MAX; looks++)
		rc = undo(call, what, err);
	call->deadline_ms = deadline_ms;
	call->caller = caller;
	return rc;
}
