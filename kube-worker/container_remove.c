#include "kube-worker/container_remove.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/labels.h"
#include "common/services/log.h"
#include "kube-worker/container_find.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/service_name.h"

#define SERVICES_MAX 16 /* Services of one container; other programs may have made several */
#define NAME_MAX_BYTES 64

struct found_service {
	char name[NAME_MAX_BYTES];
	struct kube_uid uid;
	bool owned;
};

struct search {
	struct kube_uid deployment;
	struct found_service found[SERVICES_MAX];
	size_t count;
	bool owned_seen;
};

static void note_service(struct search *search, const struct fact *service)
{
	bool owned = kube_uid_equal(&service->owner, &search->deployment);
	struct found_service *found = &search->found[search->count];

	if (search->count == SERVICES_MAX || (!owned && kube_uid_is_set(&service->owner)))
		return;
	snprintf(found->name, sizeof(found->name), "%s", service->name);
	found->uid = service->uid;
	found->owned = owned;
	search->owned_seen = search->owned_seen || owned;
	search->count++;
}

static void collect_services(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_SERVICE)
			note_service(ctx, facts[i]);
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
	return RC_OK;
}

static enum rc delete_services(struct op_call *call, const struct search *search, bool owned, struct error *err)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct found_service *service = &search->found[i];
		enum rc rc;

		if (service->owned != owned)
			continue;
		rc = op_kube_delete(call, KUBE_SERVICE, service->name, &service->uid, err);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/*
 * Services without an owner go before the Deployment: nobody would find them afterwards. Owned ones go after it: should
 * that fail, they follow by themselves.
 */
enum rc container_remove(struct op_call *call, const cJSON *deployment, struct error *err)
{
	cleanup_free struct fact *fact = NULL;
	struct search search = { 0 };
	struct error later;
	enum rc rc = fact_from_object(KUBE_DEPLOYMENT, deployment, &fact, err);

	if (rc)
		return rc;
	search.deployment = fact->uid;
	kube_cache_visit(call->env->cache, fact->instance_id, collect_services, &search);
	rc = delete_services(call, &search, false, err);
	if (!rc)
		rc = op_kube_delete(call, KUBE_DEPLOYMENT, fact->name, &fact->uid, err);
	if (rc)
		return rc;
	rc = fact->wants_service && !search.owned_seen ? ask_for_service(call, fact->instance_id, &search, &later)
						       : RC_OK;
	if (!rc)
		rc = delete_services(call, &search, true, &later);
	if (rc)
		log_info("the Service is left to garbage collection", log_str("id", fact->instance_id),
			 log_err(&later));
	return RC_OK;
}

static const char *token_of(const cJSON *deployment)
{
	return cJSON_GetStringValue(json_get(json_at(deployment, "metadata.annotations"), ANNOTATION_TOKEN));
}

enum rc container_undo(struct op_call *call, const char *id, const char *token, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, id, &reply, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (!container_is(reply.object, id) || !str_equal(token_of(reply.object), token))
		return RC_OK;
	return container_remove(call, reply.object, err);
}

void container_roll_back(struct op_call *call, const char *id, const char *token)
{
	int64_t deadline_ms = call->deadline_ms;
	struct error err;

	call->deadline_ms = clock_mono_ms() + ROLLBACK_TIMEOUT_MS;
	if (container_undo(call, id, token, &err)) {
		call->unsettled = true;
		log_warn("a failed create could not be rolled back yet", log_str("id", id), log_err(&err),
			 log_str("request_id", call->request_id));
	}
	call->deadline_ms = deadline_ms;
}
