#include "kube-worker/operation/request_check.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/operation/permission.h"

/* ---- headers ----------------------------------------------------------------------------------------------------- */

bool request_is_visible(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < '!' || text[i] > '~')
			return false;
	return len >= 1 && len <= max;
}

/* A number of min..max; `otherwise` if absent. */
static enum rc read_number(const char *name, const char *text, int64_t min, int64_t max, int64_t otherwise,
			   int64_t *ret_value, struct error *err)
{
	*ret_value = otherwise;
	if (text && (!str_parse_int64(text, ret_value) || *ret_value < min || *ret_value > max))
		return error_set(err, RC_INTERNAL,
				 "a request whose header %s is not a number of %" PRId64 " to %" PRId64, name, min,
				 max);
	return RC_OK;
}

static enum rc check_texts(const struct request_header_texts *texts, struct error *err)
{
	if (texts->request_id && !request_is_visible(texts->request_id, PROTOCOL_REQUEST_ID_MAX))
		return error_set(err, RC_INTERNAL, "a request whose header " PROTOCOL_HEADER_REQUEST " is not an id");
	if (texts->traceparent && !request_is_visible(texts->traceparent, PROTOCOL_TRACEPARENT_MAX))
		return error_set(err, RC_INTERNAL,
				 "a request whose header " PROTOCOL_HEADER_TRACEPARENT " is not that of a trace");
	if (texts->permission && strcmp(texts->permission, PROTOCOL_PERMISSION_ASK) != 0)
		return error_set(err, RC_INTERNAL,
				 "a request whose header " PROTOCOL_HEADER_PERMISSION
				 " is not " PROTOCOL_PERMISSION_ASK);
	if (texts->permission && !(texts->reply && permission_is_caller(texts->reply)))
		return error_set(err, RC_INTERNAL, "a request with an invalid reply subject for permissions");
	return RC_OK;
}

enum rc request_check_headers(const struct request_header_texts *texts, int64_t wall_ms, int64_t mono_ms,
			      struct request_headers *ret_headers, struct error *err)
{
	int64_t deadline_ms, attempt, wait_ms;
	enum rc rc = check_texts(texts, err);

	if (!rc)
		rc = read_number(PROTOCOL_HEADER_DEADLINE, texts->deadline ? texts->deadline : "", 0, INT64_MAX, 0,
				 &deadline_ms, err);
	if (!rc)
		rc = read_number(PROTOCOL_HEADER_ATTEMPT, texts->attempt, 1, INT32_MAX, 1, &attempt, err);
	if (!rc)
		rc = read_number(PROTOCOL_HEADER_WAIT, texts->wait, 0, INT64_MAX, INT64_MAX, &wait_ms, err);
	if (rc)
		return rc;
	deadline_ms -= wall_ms;
	*ret_headers = (struct request_headers){
		.deadline_ms = mono_ms +
			       (deadline_ms < PROTOCOL_DEADLINE_MAX_MS ? deadline_ms : PROTOCOL_DEADLINE_MAX_MS),
		.wait_ms = wait_ms < PROTOCOL_DEADLINE_MAX_MS ? wait_ms : INT64_MAX,
		.attempt = (int)attempt,
		.caller = texts->permission ? texts->reply : NULL,
		.request_id = texts->request_id ? texts->request_id : "",
		.traceparent = texts->traceparent,
	};
	return RC_OK;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

bool request_member_is_text(const struct request_member *member, const cJSON *value)
{
	return cJSON_IsString(value) && (!member->valid || member->valid(value->valuestring));
}

bool request_member_is_bool(const struct request_member *member unused, const cJSON *value)
{
	return cJSON_IsBool(value);
}

bool request_member_is_int(const struct request_member *member, const cJSON *value)
{
	int64_t number;

	return json_is_int(value, &number) && number >= member->min && number <= member->max;
}

bool request_member_is_texts(const struct request_member *member unused, const cJSON *value)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, value)
		if (!cJSON_IsString(item))
			return false;
	return cJSON_IsArray(value) && cJSON_GetArraySize(value) > 0;
}

bool request_member_is_object(const struct request_member *member unused, const cJSON *value)
{
	return cJSON_IsObject(value);
}

static enum rc check_member(const char *name, const struct request_member *member, const cJSON *request,
			    struct error *err)
{
	const cJSON *parent = member->parent ? json_get(request, member->parent) : request;
	const cJSON *value = json_get(parent, member->name);
	const char *dot = member->parent ? "." : "";
	const char *before = member->parent ? member->parent : "";

	if (!parent || (!value && !member->required) || (value && member->type(member, value)))
		return RC_OK;
	return error_set(err, RC_INTERNAL, "a %s request %s %s%s%s%s%s", name, value ? "whose" : "without", before, dot,
			 member->name, value ? " is not " : "", value ? member->form : "");
}

enum rc request_check_members(const char *name, const struct request_member *members, size_t count,
			      const cJSON *request, struct error *err)
{
	enum rc rc = RC_OK;

	if (!cJSON_IsObject(request))
		return error_set(err, RC_INTERNAL, "a %s request that is not an object", name);
	for (size_t i = 0; !rc && i < count; i++)
		rc = check_member(name, &members[i], request, err);
	return rc;
}
