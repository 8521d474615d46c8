#include "kube-worker/service_ensure.h"

#include "common/base/clock.h"
#include "common/container/container_object.h"
#include "common/container/service_name.h"
#include "kube-worker/container_find.h"
#include "kube-worker/op_kube.h"
#include "kube-worker/permission.h"

#define TRIES_MAX 5 /* each time that somebody else's Service of the name comes or goes meanwhile */
#define PAUSE_MS 50

/* Is the Deployment of the id still ours? Then whatever belongs to another one belongs to a predecessor. */
static enum rc check_current(struct op_call *call, const char *id, const struct kube_uid *deployment, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct kube_uid uid;
	enum rc rc = op_kube_get(call, KUBE_DEPLOYMENT, id, &reply, err);

	if (rc && rc != RC_NOT_FOUND)
		return rc;
	uid = kube_uid_parse(json_string_at(reply.object, "metadata.uid"));
	if (rc || !kube_uid_equal(&uid, deployment))
		return error_set(err, RC_CONFLICT, "container '%s' was deleted meanwhile", id);
	return permission_hold(call, err);
}

/* The name is taken. *ret_service when it is our own (an earlier try made it); NULL when the name is free again. */
static enum rc look_at_existing(struct op_call *call, const char *id, const char *name,
				const struct kube_uid *deployment, cJSON **ret_service, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	cleanup_free struct fact *service = NULL;
	enum rc rc = op_kube_get(call, KUBE_SERVICE, name, &reply, err);

	if (rc)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = fact_from_object(KUBE_SERVICE, reply.object, &service, err);
	if (rc)
		return rc;
	if (kube_uid_equal(&service->owner, deployment)) {
		*ret_service = TAKE(reply.object);
		return RC_OK;
	}
	if (!container_is(reply.object, id) || !kube_uid_is_set(&service->owner))
		return error_set(err, RC_ALREADY_EXISTS,
				 "a Service named '%s' that does not belong to this container exists in the namespace",
				 name);
	rc = check_current(call, id, deployment, err);
	return rc ? rc : op_kube_delete(call, KUBE_SERVICE, name, &service->uid, err);
}

enum rc service_ensure(struct op_call *call, const char *id, const cJSON *spec, const cJSON *deployment,
		       cJSON **ret_service, struct error *err)
{
	const char *uid_text = json_string_at(deployment, "metadata.uid");
	struct kube_uid uid = kube_uid_parse(uid_text);
	const struct container_owner owner = { KUBE_DEPLOYMENT, uid_text };
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	char name[SERVICE_NAME_MAX];
	enum rc rc = service_name_derive(id, name, err);

	if (!rc)
		rc = container_write_service(id, name, &owner, spec, call->env->config->external_service_type, &body,
					     err);
	for (int i = 0; !rc && i < TRIES_MAX; i++) {
		struct kube_reply reply cleanup_kube_reply = { 0 };
		cJSON *existing = NULL;

		if (i > 1)
			clock_sleep_ms(PAUSE_MS);
		rc = op_kube_create(call, KUBE_SERVICE, &body, &reply, err);
		if (!rc)
			existing = TAKE(reply.object);
		else if (rc == RC_ALREADY_EXISTS)
			rc = look_at_existing(call, id, name, &uid, &existing, err);
		if (existing) {
			*ret_service = existing;
			return RC_OK;
		}
	}
	return rc ? rc
		  : error_set(err, RC_UNAVAILABLE, "the Service '%s' comes and goes; it could not be created", name);
}
