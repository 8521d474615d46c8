#include "kube-worker/request_check.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/permission.h"

#define KEY_MAX 255 /* bytes of an Idempotency-Key, as in openapi.yaml */

/* ---- headers ----------------------------------------------------------------------------------------------------- */

static bool is_visible(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < '!' || text[i] > '~')
			return false;
	return len >= 1 && len <= max;
}

/* A number of min..max; what is absent is `otherwise`. */
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
	if (texts->request_id && !is_visible(texts->request_id, PROTOCOL_REQUEST_ID_MAX))
		return error_set(err, RC_INTERNAL, "a request whose header " PROTOCOL_HEADER_REQUEST " is not an id");
	if (texts->traceparent && !is_visible(texts->traceparent, PROTOCOL_TRACEPARENT_MAX))
		return error_set(err, RC_INTERNAL,
				 "a request whose header " PROTOCOL_HEADER_TRACEPARENT " is not that of a trace");
	if (texts->permission && strcmp(texts->permission, PROTOCOL_PERMISSION_ASK) != 0)
		return error_set(err, RC_INTERNAL,
				 "a request whose header " PROTOCOL_HEADER_PERMISSION
				 " is not " PROTOCOL_PERMISSION_ASK);
	if (texts->permission && !(texts->reply && permission_is_caller(texts->reply)))
		return error_set(err, RC_INTERNAL, "a request that gives permissions on no subject of an api-svc");
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

static bool is_key(const char *text)
{
	return is_visible(text, KEY_MAX);
}

/* Of an undo by key the id need not be known. */
static bool is_id_or_empty(const char *text)
{
	return !text[0] || protocol_is_id(text);
}

struct member;
typedef bool is_of_type(const struct member *member, const cJSON *value);

static is_of_type is_text, is_bool, is_int, is_object;

/* clang-format off */
static const struct member {
	enum operation operation;
	const char *parent; /* the object that it is in, if that is there; NULL: the request itself */
	const char *name;
	bool required;
	is_of_type *type;
	bool (*valid)(const char *text); /* of a text; NULL: any */
	int64_t min, max;                /* of a number */
	const char *form;                /* what it has to be */
} members[] = {
	{ OPERATION_CREATE, NULL, "id", false, is_text, protocol_is_id, 0, 0, "an id" },
	{ OPERATION_CREATE, NULL, "any_id", false, is_bool, NULL, 0, 0, "true or false" },
	{ OPERATION_CREATE, NULL, "spec", true, is_object, NULL, 0, 0, "an object" },
	{ OPERATION_CREATE, NULL, "token", true, is_text, protocol_is_create_token, 0, 0, "a creation token" },
	{ OPERATION_CREATE, NULL, "agent", false, is_object, NULL, 0, 0, "an object" },
	{ OPERATION_CREATE, "agent", "name", true, is_text, protocol_is_agent_name, 0, 0, PROTOCOL_AGENT_NAME_FORM },
	{ OPERATION_CREATE, "agent", "key", true, is_text, is_key, 0, 0, "1 to 255 visible ASCII characters" },
	{ OPERATION_UNDO, NULL, "id", true, is_text, is_id_or_empty, 0, 0, "an id" },
	{ OPERATION_UNDO, NULL, "token", true, is_text, protocol_is_create_token, 0, 0, "a creation token" },
	{ OPERATION_UNDO, NULL, "sequence", false, is_int, NULL, 0, INT64_MAX, "a whole number" },
	{ OPERATION_GET, NULL, "id", true, is_text, protocol_is_id, 0, 0, "an id" },
	{ OPERATION_LIST, NULL, "max_page_size", false, is_int, NULL, 1, PROTOCOL_PAGE_SIZE_MAX, "1 to 1000" },
	{ OPERATION_LIST, NULL, "page_token", false, is_text, NULL, 0, 0, "a text" }, /* the client's; op_list() reads it */
	{ OPERATION_DELETE, NULL, "id", true, is_text, protocol_is_id, 0, 0, "an id" },
	{ OPERATION_DELETE, NULL, "absent_ok", false, is_bool, NULL, 0, 0, "true or false" },
};
/* clang-format on */

static bool is_text(const struct member *member, const cJSON *value)
{
	return cJSON_IsString(value) && (!member->valid || member->valid(value->valuestring));
}

static bool is_bool(const struct member *member unused, const cJSON *value)
{
	return cJSON_IsBool(value);
}

static bool is_int(const struct member *member, const cJSON *value)
{
	int64_t number;

	return json_is_int(value, &number) && number >= member->min && number <= member->max;
}

static bool is_object(const struct member *member unused, const cJSON *value)
{
	return cJSON_IsObject(value);
}

static enum rc check_member(const struct member *member, const cJSON *request, struct error *err)
{
	const cJSON *parent = member->parent ? json_get(request, member->parent) : request;
	const cJSON *value = json_get(parent, member->name);
	const char *dot = member->parent ? "." : "";
	const char *before = member->parent ? member->parent : "";

	if (!parent || (!value && !member->required) || (value && member->type(member, value)))
		return RC_OK;
	return error_set(err, RC_INTERNAL, "a %s request %s %s%s%s%s%s", operation_name(member->operation),
			 value ? "whose" : "without", before, dot, member->name, value ? " is not " : "",
			 value ? member->form : "");
}

/* What no single member can tell. */
static enum rc check_together(enum operation operation, const cJSON *request, struct error *err)
{
	const char *id = json_string_at(request, "id");
	const char *token = json_string_at(request, "token");

	if (operation == OPERATION_CREATE && !id == !json_get(request, "agent"))
		return error_set(err, RC_INTERNAL, "a create request without id and agent, or with both");
	if (operation == OPERATION_UNDO && !id[0] && !str_has_prefix(token, PROTOCOL_TOKEN_KEY))
		return error_set(err, RC_INTERNAL, "an undo request without id, and not by key");
	return RC_OK;
}

enum rc request_check_members(enum operation operation, const cJSON *request, struct error *err)
{
	enum rc rc = RC_OK;

	if (!cJSON_IsObject(request))
		return error_set(err, RC_INTERNAL, "a %s request that is no object", operation_name(operation));
	for (size_t i = 0; !rc && i < ARRAY_LEN(members); i++)
		if (members[i].operation == operation)
			rc = check_member(&members[i], request, err);
	return rc ? rc : check_together(operation, request, err);
}
