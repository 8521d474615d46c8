#include "kube-worker/container_remove.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/service_name.h"
#include "common/services/log.h"
#include "kube-worker/container_find.h"
#include "kube-worker/container_mark.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/permission.h"

#define FIRST_OBJECTS 4
/*
 * Who waits for the answer gives up after 10 s, of which a Kubernetes that is away has taken 8 already.
 */
#define TAKE_BACK_TIMEOUT_MS 2000

/*
 * Services without an owner go before the Deployment: nobody would find them afterwards. Owned ones go after it: should
 * that fail, they follow by themselves.
 */
enum removal_order { REMOVE_UNOWNED_SERVICE, REMOVE_DEPLOYMENT, REMOVE_OWNED_SERVICE, REMOVAL_ORDER_COUNT };

struct removal_object {
	enum removal_order order;
	enum kube_kind kind;
	struct kube_uid uid;
	char *name;
};

void removal_clear(struct removal *removal)
{
	for (size_t i = 0; i < removal->count; i++)
		free(removal->objects[i].name);
	free(removal->objects);
	*removal = (struct removal){ 0 };
}

static enum rc add(struct removal *removal, enum removal_order order, const struct fact *fact, const char *name,
		   struct error *err)
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
	*object = (struct removal_object){
		.order = order, .kind = fact->kind, .uid = fact->uid, .name = str_dup(name)
	};
	if (!object->name)
		return error_no_memory(err);
	removal->count++;
	return RC_OK;
}

/* ---- what there is ----------------------------------------------------------------------------------------------- */

struct search {
	struct removal *removal;
	struct kube_uid deployment;
	bool owned_seen;
	enum rc rc;
	struct error *err;
};

static void note_service(struct search *search, const struct fact *service)
{
	bool owned = kube_uid_equal(&service->owner, &search->deployment);

	if (search->rc || (!owned && kube_uid_is_set(&service->owner)))
		return;
	search->owned_seen = search->owned_seen || owned;
	search->rc = add(search->removal, owned ? REMOVE_OWNED_SERVICE : REMOVE_UNOWNED_SERVICE, service, service->name,
			 search->err);
}

static void collect_services(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_SERVICE)
			note_service(ctx, facts[i]);
}

/* From the cache, or by a list of this id while that is not synchronised. */
static enum rc find_services(struct op_call *call, const char *id, struct search *search, struct error *err)
{
	struct kube_cache *own = NULL;
	struct kube_cache *cache = call->env->cache;

	if (!kube_cache_is_synced(cache, 1u << KUBE_SERVICE)) {
		enum rc rc = container_read_all(call, id, &own, err);

		if (rc)
			return rc;
		cache = own;
	}
	kube_cache_visit(cache, id, collect_services, search);
	kube_cache_destroy(own);
	return search->rc;
}

/* The Service that the cache has not seen yet. */
static enum rc ask_for_service(struct op_call *call, const char *id, struct search *search, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	cleanup_free struct fact *service = NULL;
	char name[SERVICE_NAME_MAX];
	enum rc rc = service_name_derive(id, name, err);

	if (!rc)
		rc = op_kube_get(call, KUBE_SERVICE, name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = fact_from_object(KUBE_SERVICE, reply.object, &service, err);
	if (rc)
		return rc;
	if (kube_uid_equal(&service->owner, &search->deployment))
		note_service(search, service);
	return search->rc;
}

enum rc removal_add(struct op_call *call, struct removal *removal, const cJSON *deployment, struct error *err)
{
	cleanup_free struct fact *fact = NULL;
	struct search search = { .removal = removal, .err = err };
	enum rc rc = fact_from_object(KUBE_DEPLOYMENT, deployment, &fact, err);

	if (rc)
		return rc;
	search.deployment = fact->uid;
	rc = add(removal, REMOVE_DEPLOYMENT, fact, fact->name, err);
	if (!rc)
		rc = find_services(call, fact->instance_id, &search, err);
	if (!rc && fact->wanted && !search.owned_seen)
		rc = ask_for_service(call, fact->instance_id, &search, err);
	return rc;
}

/* ---- its deletion ------------------------------------------------------------------------------------------------ */

static enum rc remove_object(struct op_call *call, const struct removal_object *object, struct error *err)
{
	enum rc rc = permission_hold(call, err);

	if (!rc)
		rc = op_kube_delete(call, object->kind, object->name, &object->uid, err);
	if (!rc || rc == RC_CANCELLED || object->order != REMOVE_OWNED_SERVICE)
		return rc;
	log_info("the Service is left to garbage collection", log_str("name", object->name), log_err(err));
	return RC_OK;
}

enum rc removal_run(struct op_call *call, const struct removal *removal, struct error *err)
{
	enum rc rc = RC_OK;

	for (int order = 0; order < REMOVAL_ORDER_COUNT; order++)
		for (size_t i = 0; !rc && i < removal->count; i++)
			if (removal->objects[i].order == (enum removal_order)order)
				rc = remove_object(call, &removal->objects[i], err);
	return rc;
}

/* ---- taking back ------------------------------------------------------------------------------------------------- */

static bool is_meant(const cJSON *deployment, const struct undo_what *what)
{
	return container_is(deployment, what->id) && str_equal(container_token(deployment), what->token) &&
	       (!what->uid || str_equal(json_string_at(deployment, "metadata.uid"), what->uid)) &&
	       (!what->owed_to || str_equal(container_owed_to(deployment), what->owed_to));
}

static enum rc undo(struct op_call *call, const struct undo_what *what, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct removal removal cleanup_removal = { 0 };
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, what->id, &reply, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (!is_meant(reply.object, what))
		return RC_OK;
	rc = removal_add(call, &removal, reply.object, err);
	return rc ? rc : removal_run(call, &removal, err);
}

enum rc container_undo(struct op_call *call, const struct undo_what *what, struct error *err)
{
	int64_t deadline_ms = call->deadline_ms;
	const char *caller = TAKE(call->caller);
	enum rc rc;

	call->deadline_ms = clock_mono_ms() + TAKE_BACK_TIMEOUT_MS;
	rc = undo(call, what, err);
	call->deadline_ms = deadline_ms;
	call->caller = caller;
	return rc;
}
