#include "common/kube/kube_answer.h"

#include "common/base/strutil.h"
#include "common/kube/kube_json.h"

/* The meaning of a status from Kubernetes; any other status is an error of the server or a proxy. */
static const struct status_row {
	int status;
	enum rc rc;
	bool needs_status; /* about the object: valid only with a Kubernetes Status, since a proxy may send it too */
} status_rows[] = {
	{ 400, RC_INVALID_ARGUMENT, true }, { 401, RC_UNAVAILABLE, false },     { 403, RC_PERMISSION_DENIED, false },
	{ 404, RC_NOT_FOUND, true },        { 409, RC_CONFLICT, true },         { 410, RC_EXPIRED, true },
	{ 413, RC_TOO_LARGE, false },       { 422, RC_INVALID_ARGUMENT, true }, { 429, RC_UNAVAILABLE, false },
	{ 504, RC_TIMEOUT, false },
};

/*
 * Temporary rejections that only the message identifies, as status and reason are generic. Addresses of Services:
 * kubernetes#118921, 422 also for "allocator not ready" after a server start, and for a full range.
 */
static const struct {
	int status;
	const char *sign;
	const char *text; /* NULL: the message from the pattern on */
} passing_rows[] = {
	{ 403, "exceeded quota", NULL },
	{ 403, "being terminated", "the namespace is being terminated" },
	{ 422, "failed to allocate IP", NULL },
};

const char *kube_answer_passing_text(int status, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(passing_rows); i++) {
		const char *sign = passing_rows[i].status == status ? strstr(message, passing_rows[i].sign) : NULL;

		if (sign)
			return passing_rows[i].text ? passing_rows[i].text : sign;
	}
	return NULL;
}

static enum rc rc_of_status(const struct kube_reply *reply, const char *reason, const char *message)
{
	bool is_status = str_equal(json_string_at(reply->object, "kind"), "Status");

	if (reply->status == 409 && str_equal(reason, "AlreadyExists"))
		return RC_ALREADY_EXISTS;
	if (kube_answer_passing_text(reply->status, message))
		return RC_UNAVAILABLE;
	for (size_t i = 0; i < ARRAY_LEN(status_rows); i++)
		if (status_rows[i].status == reply->status)
			return status_rows[i].needs_status && !is_status ? RC_UNAVAILABLE : status_rows[i].rc;
	return RC_UNAVAILABLE;
}

static enum rc answer_fault(const struct kube_reply *reply, int retry_after_s, struct error *err)
{
	const char *message = json_string_at(reply->object, "message");
	const char *reason = json_string_at(reply->object, "reason");
	enum rc rc;

	if (!message)
		message = "the API server returned no reason";
	rc = rc_of_status(reply, reason, message);
	error_set(err, rc, "Kubernetes returned %d %s: %s", reply->status, reason ? reason : "", message);
	if (err)
		err->retry_after_s = retry_after_s ? retry_after_s : kube_json_retry_after_s(reply->object);
	return rc;
}

static bool is_success(int status)
{
	return status >= 200 && status < 300;
}

/* Whether the common members of an object have the right types; missing members are accepted. */
static bool is_well_formed(const cJSON *object)
{
	static const char *const maps[] = { "labels", "annotations" };
	const cJSON *metadata = json_get(object, "metadata");

	if (!cJSON_IsObject(object) || (metadata && !cJSON_IsObject(metadata)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const cJSON *map = json_get(metadata, maps[i]);

		if (map && !cJSON_IsNull(map) && !cJSON_IsObject(map))
			return false;
	}
	return true;
}

/* Parse the body into the reply's object. The body of an error may be anything, for example HTML of a proxy. */
static enum rc read_body(const struct buf *body, struct kube_reply *reply, struct error *err)
{
	struct error cause;
	enum rc rc = kube_json_parse(body->data, body->len, &reply->object, &cause);

	if (!is_success(reply->status))
		return RC_OK;
	if (rc)
		return error_set(err, RC_UNAVAILABLE, "the response of the API server is not JSON: %s", cause.text);
	return is_well_formed(reply->object)
		       ? RC_OK
		       : error_set(err, RC_UNAVAILABLE, "the response of the API server is not an object");
}

enum rc kube_answer_read(struct kube_reply *reply, const struct buf *body, int retry_after_s, struct error *err)
{
	enum rc rc = read_body(body, reply, err);

	return rc || is_success(reply->status) ? rc : answer_fault(reply, retry_after_s, err);
}
