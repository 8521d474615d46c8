#include "kube-worker/operation/op_kube.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/spec_pointer.h"
#include "common/container/workload.h"
#include "common/kube/kube_answer.h"
#include "common/services/json_write.h"
#include "common/services/log.h"
#include "kube-worker/operation/permission.h"

#define FAULTS_MAX 100 /* maximum number of causes in a reply */

/* Check that it is an object with name and uid; otherwise it is not from an API server. */
static enum rc check_object(const cJSON *object, enum kube_kind kind, struct error *err)
{
	if (json_string_at(object, "metadata.name") && json_string_at(object, "metadata.uid"))
		return RC_OK;
	return error_set(err, RC_UNAVAILABLE, "the API server returned a %s without name or uid", kube_kind_name(kind));
}

/* Rejections because of the request itself, not of state, user or load. */
static bool is_refusal(int status)
{
	return status == 400 || status == 403 || status == 413 || status == 422;
}

static enum rc call_kube_with(struct op_call *call, const char *method, enum kube_kind kind, const char *name,
			      const struct buf *body, bool dry, struct kube_reply *reply, struct error *err)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	struct kube_request request = {
		.method = method,
		.content_type = str_equal(method, "PATCH") ? "application/merge-patch+json" : NULL,
		.may_repeat = body ? permission_to_repeat : NULL, /* all writes have a body */
		.repeat_ctx = call,
		.body = body ? body->data : NULL,
		.body_len = body ? body->len : 0,
		.deadline_ms = call->deadline_ms,
	};
	struct error original;
	enum rc rc;

	kube_path_add(&path, kind, call->env->namespace, name);
	if (dry)
		kube_path_add_query(&path, "dryRun", "All");
	rc = buf_check(&path, err);
	if (rc)
		return rc;
	request.path = path.data;
	rc = kube_client_do(call->kube, &request, reply, &original);
	if (!rc && strcmp(method, "DELETE") != 0) /* which returns a Status */
		rc = check_object(reply->object, kind, &original);
	if (!rc)
		return RC_OK;
	call->refused = is_refusal(reply->status);
	*err = original;
	/* Errors that operations handle are not logged. */
	if (rc == RC_NOT_FOUND || rc == RC_ALREADY_EXISTS || rc == RC_CONFLICT)
		return rc;
	/* Nor are missing rights of an older Role, which the informer of the kind has logged. */
	if (rc == RC_PERMISSION_DENIED && workload_optional_kinds() & 1u << kind && str_equal(method, "GET")) {
		op_kube_make_public(reply->object, err);
		return rc;
	}
	snprintf(path.data, path.capacity, "%s %s", method, kube_kind_name(kind)); /* shorter than any path */
	return op_kube_translate(call, reply, path.data, err);
}

static enum rc call_kube(struct op_call *call, const char *method, enum kube_kind kind, const char *name,
			 const struct buf *body, struct kube_reply *reply, struct error *err)
{
	return call_kube_with(call, method, kind, name, body, false, reply, err);
}

/* ---- errors for clients ------------------------------------------------------------------------------------------ */

/* For codes whose original text would expose internals. */
static const char *const public_texts[RC_COUNT] = {
	[RC_UNAVAILABLE] = "Kubernetes is currently unavailable",
	[RC_TIMEOUT] = "timeout waiting for Kubernetes",
	[RC_PERMISSION_DENIED] = "Kubernetes does not allow the provider to do this",
	[RC_TOO_LARGE] = "the container is too large for Kubernetes",
	[RC_NO_MEMORY] = "out of memory",
	[RC_INTERNAL] = "Kubernetes sent a malformed response",
};

/*
 * An RBAC message contains our account: return only the part about the missing right. Other rejections are shown to
 * clients. NULL: not an RBAC message.
 */
static const char *rbac_refusal(const char *message)
{
	const char *cannot = strstr(message, " cannot ");

	return cannot && strstr(message, "User \"") ? cannot + 1 : NULL;
}

/* `cannot update resource "deployments" in API group "apps"`, without the namespace. */
static enum rc set_rbac_refusal(struct error *err, const char *cannot)
{
	const char *end = strstr(cannot, " in the namespace");

	return error_set(err, RC_PERMISSION_DENIED, "Kubernetes does not allow it: the provider's Role %.*s",
			 (int)(end ? (size_t)(end - cannot) : strlen(cannot)), cannot);
}

/* The part of a rejection for the client; NULL: none. */
static const char *refusal_text(enum rc rc, const cJSON *status, const char *message)
{
	const char *passing = message ? kube_answer_passing_text((int)json_int_at(status, "code", 0), message) : NULL;

	if (passing)
		return passing;
	if (rc == RC_PERMISSION_DENIED && message && !rbac_refusal(message))
		return message;
	return rc == RC_INVALID_ARGUMENT ? message : NULL;
}

static void add_cause(struct op_call *call, const cJSON *cause)
{
	struct buf object cleanup_buf = buf_make(OP_FAULTS_MAX);
	struct buf pointer cleanup_buf = buf_make(1024);
	struct json_writer w = json_writer_make(&object);
	const char *field = json_string_at(cause, "field");
	const char *message = json_string_at(cause, "message");

	if (field)
		spec_pointer_add(field, &pointer);
	json_begin_object(&w, NULL);
	json_string(&w, "detail", message ? message : "rejected by Kubernetes");
	json_string(&w, "pointer", pointer.data);
	json_end_object(&w);
	if (strstr(call->faults.data, object.data))
		return; /* a label is rejected twice, in the root and in its template */
	if (call->faults.len)
		buf_add_char(&call->faults, ',');
	buf_add(&call->faults, object.data, object.len);
}

void op_kube_make_public(const cJSON *status, struct error *err)
{
	struct error original = *err;
	const char *given = json_string_at(status, "message");
	const char *message = given || !rbac_refusal(original.text) ? given : original.text;
	const char *refusal = refusal_text(err->rc, status, message);

	if (refusal)
		error_set(err, err->rc, "rejected by Kubernetes: %s", refusal);
	else if (err->rc == RC_PERMISSION_DENIED && message && rbac_refusal(message))
		set_rbac_refusal(err, rbac_refusal(message));
	else if (err->rc == RC_NOT_FOUND)
		error_set(err, RC_UNAVAILABLE, "the namespace of the containers does not exist");
	else if (public_texts[err->rc])
		error_set(err, err->rc, "%s", public_texts[err->rc]);
	err->retry_after_s = original.retry_after_s;
}

enum rc op_kube_check_cache(const struct op_env *env, unsigned kinds, struct error *err)
{
	unsigned forbidden = kube_cache_forbidden(env->cache, kinds);
	char cannot[80];

	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		if (forbidden & 1u << kind) {
			snprintf(cannot, sizeof(cannot), "cannot list resource \"%s\"",
				 kube_kind_plural((enum kube_kind)kind));
			return set_rbac_refusal(err, cannot);
		}
	return RC_OK;
}

enum rc op_kube_translate(struct op_call *call, const struct kube_reply *reply, const char *what, struct error *err)
{
	const cJSON *cause = NULL;
	int count = 0;

	log_warn("Kubernetes call failed", log_str("call", what), log_err(err),
		 log_str("request_id", call->request_id));
	if (err->rc == RC_INVALID_ARGUMENT)
		cJSON_ArrayForEach (cause, json_at(reply->object, "details.causes"))
			if (count++ < FAULTS_MAX)
				add_cause(call, cause);
	op_kube_make_public(reply->object, err);
	return err->rc;
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

enum rc op_kube_get(struct op_call *call, enum kube_kind kind, const char *name, struct kube_reply *reply,
		    struct error *err)
{
	return call_kube(call, "GET", kind, name, NULL, reply, err);
}

enum rc op_kube_create(struct op_call *call, enum kube_kind kind, const struct buf *body, struct kube_reply *reply,
		       struct error *err)
{
	enum rc rc = buf_check(body, err);

	if (rc)
		return rc;
	rc = call_kube(call, "POST", kind, NULL, body, reply, err);
	return rc == RC_NOT_FOUND ? op_kube_translate(call, reply, "create in the namespace", err) : rc;
}

enum rc op_kube_update(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		       struct kube_reply *reply, struct error *err)
{
	enum rc rc = buf_check(body, err);

	return rc ? rc : call_kube(call, "PUT", kind, name, body, reply, err);
}

/* The API server rejects a dry run if a webhook may have side effects. */
static bool cannot_be_tried(const struct kube_reply *reply)
{
	const char *message = json_string_at(reply->object, "message");

	return message && strstr(message, "does not support dry run");
}

enum rc op_kube_try(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		    struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	size_t faults = call->faults.len;
	enum rc rc = buf_check(body, err);

	if (rc)
		return rc;
	rc = call_kube_with(call, name ? "PUT" : "POST", kind, name, body, true, &reply, err);
	if (!rc || !cannot_be_tried(&reply))
		return rc;
	buf_truncate(&call->faults, faults);
	return RC_OK;
}

enum rc op_kube_patch(struct op_call *call, enum kube_kind kind, const char *name, const struct buf *body,
		      struct kube_reply *reply, struct error *err)
{
	enum rc rc = buf_check(body, err);

	return rc ? rc : call_kube(call, "PATCH", kind, name, body, reply, err);
}

/* In the body, because the API server ignores the query if there is a body. */
static enum rc call_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			   const char *resource_version, bool dry, struct kube_reply *reply, struct error *err)
{
	struct buf options cleanup_buf = buf_make(1024);
	struct json_writer w = json_writer_make(&options);
	char uid_text[KUBE_UID_TEXT_MAX];

	kube_uid_format(uid, uid_text);
	json_begin_object(&w, NULL);
	json_string(&w, "kind", "DeleteOptions");
	json_string(&w, "apiVersion", "v1");
	json_string(&w, "propagationPolicy", "Background");
	if (dry) {
		json_begin_array(&w, "dryRun");
		json_string(&w, NULL, "All");
		json_end_array(&w);
	}
	json_begin_object(&w, "preconditions");
	json_string(&w, "uid", uid_text);
	json_optional_string(&w, "resourceVersion", resource_version);
	json_end_object(&w);
	json_end_object(&w);
	return call_kube(call, "DELETE", kind, name, &options, reply, err);
}

enum rc op_kube_delete_version(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			       const char *resource_version, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	enum rc rc = call_delete(call, kind, name, uid, resource_version, false, &reply, err);

	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc op_kube_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
		       struct error *err)
{
	enum rc rc = op_kube_delete_version(call, kind, name, uid, NULL, err);

	return rc == RC_CONFLICT ? RC_OK : rc;
}

enum rc op_kube_try_delete(struct op_call *call, enum kube_kind kind, const char *name, const struct kube_uid *uid,
			   struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	size_t faults = call->faults.len;
	enum rc rc = call_delete(call, kind, name, uid, NULL, true, &reply, err);

	if (rc == RC_NOT_FOUND || rc == RC_CONFLICT)
		return RC_OK;
	if (!rc || !cannot_be_tried(&reply))
		return rc;
	buf_truncate(&call->faults, faults);
	return RC_OK;
}
