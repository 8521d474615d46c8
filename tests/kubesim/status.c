#include "tests/kubesim/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"

#define MESSAGE_MAX ((size_t)1 << 20) /* bytes; a long value stands in a message whole */

static const struct {
	const char *reason;
	const char *words;
} fault_words[] = {
	[FAULT_REQUIRED] = { "FieldValueRequired", "Required value" },
	[FAULT_INVALID] = { "FieldValueInvalid", "Invalid value" },
	[FAULT_DUPLICATE] = { "FieldValueDuplicate", "Duplicate value" },
	[FAULT_UNSUPPORTED] = { "FieldValueNotSupported", "Unsupported value" },
	[FAULT_FORBIDDEN] = { "FieldValueForbidden", "Forbidden" },
	[FAULT_TOO_LONG] = { "FieldValueTooLong", "Too long" },
};

void sim_cause_add(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const char *value_json,
		   const char *detail)
{
	struct buf message cleanup_buf = buf_make(MESSAGE_MAX);
	struct sim_cause *cause = &causes->items[causes->count];

	if (causes->count == CAUSES_MAX)
		return;
	buf_add_str(&message, fault_words[kind].words);
	if (value_json)
		buf_addf(&message, ": %s", value_json);
	if (detail && *detail)
		buf_addf(&message, ": %s", detail);
	cause->reason = fault_words[kind].reason;
	cause->message = buf_take(&message, NULL);
	cause->field = str_dup(field);
	causes->count++;
}

void sim_cause_text(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const char *value,
		    const char *detail)
{
	struct buf quoted cleanup_buf = buf_make(MESSAGE_MAX);
	struct json_writer w = json_writer_make(&quoted);

	json_string(&w, NULL, value);
	sim_cause_add(causes, kind, field, quoted.data, detail);
}

void sim_cause_int(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, int64_t value,
		   const char *detail)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	sim_cause_add(causes, kind, field, text, detail);
}

void sim_cause_tree(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const cJSON *value,
		    const char *detail)
{
	cleanup_free char *text = value ? cJSON_PrintUnformatted(value) : NULL;

	sim_cause_add(causes, kind, field, text ? text : "null", detail);
}

void sim_causes_clear(struct sim_causes *causes)
{
	for (size_t i = 0; i < causes->count; i++) {
		free(causes->items[i].message);
		free(causes->items[i].field);
	}
	causes->count = 0;
}

static void write_causes(struct json_writer *w, const struct sim_causes *causes)
{
	json_begin_array(w, "causes");
	for (size_t i = 0; i < causes->count; i++) {
		json_begin_object(w, NULL);
		json_optional_string(w, "reason", causes->items[i].reason);
		json_string(w, "message", causes->items[i].message);
		json_optional_string(w, "field", causes->items[i].field);
		json_end_object(w);
	}
	json_end_array(w);
}

void sim_status_write(struct buf *out, unsigned code, const char *reason, const char *message,
		      const struct sim_details *details)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "kind", "Status");
	json_string(&w, "apiVersion", "v1");
	json_begin_object(&w, "metadata");
	if (details)
		json_optional_string(&w, "continue", details->continue_token);
	json_end_object(&w);
	json_string(&w, "status", "Failure");
	json_string(&w, "message", message);
	if (reason[0])
		json_string(&w, "reason", reason);
	if (details && details->present) {
		json_begin_object(&w, "details");
		json_optional_string(&w, "name", details->name);
		json_optional_string(&w, "group", details->group);
		json_optional_string(&w, "kind", details->kind);
		json_optional_string(&w, "uid", details->uid);
		if (details->causes && details->causes->count)
			write_causes(&w, details->causes);
		if (details->retry_after_s)
			json_int(&w, "retryAfterSeconds", details->retry_after_s);
		json_end_object(&w);
	}
	json_int(&w, "code", code);
	json_end_object(&w);
}

void sim_answer_status(struct sim_response *r, unsigned code, const char *reason, const struct sim_details *details,
		       const char *fmt, ...)
{
	cleanup_free char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	sim_object_unref(r->object);
	r->object = NULL;
	buf_reset(&r->body);
	r->status = code;
	r->content_type = NULL;
	sim_status_write(&r->body, code, reason, message ? message : "", details);
}

void sim_answer_bad_request(struct sim_response *r, const char *message)
{
	sim_answer_status(r, 400, "BadRequest", NULL, "%s", message);
}

/* The group as details show it: the core group is not shown. */
static const char *group_of(const struct sim_kind *kind)
{
	return kind->group[0] ? kind->group : NULL;
}

static struct sim_details details_of(const struct sim_kind *kind, const char *name)
{
	return (struct sim_details){ .present = true, .name = name, .group = group_of(kind), .kind = kind->plural };
}

void sim_answer_not_found(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_details details = details_of(kind, name);

	sim_answer_status(r, 404, "NotFound", &details, "%s \"%s\" not found", kind->resource, name);
}

void sim_answer_no_such_path(struct sim_response *r)
{
	struct sim_details details = { .present = true };

	sim_answer_status(r, 404, "NotFound", &details, "the server could not find the requested resource");
}

void sim_answer_exists(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_details details = details_of(kind, name);

	sim_answer_status(r, 409, "AlreadyExists", &details, "%s \"%s\" already exists", kind->resource, name);
}

void sim_answer_modified(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_details details = details_of(kind, name);

	sim_answer_status(r, 409, "Conflict", &details,
			  "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
			  "changes to the latest version and try again",
			  kind->resource, name);
}

void sim_answer_invalid(struct sim_response *r, const char *group, const char *kind, const char *name,
			const struct sim_causes *causes)
{
	struct buf list cleanup_buf = buf_make(MESSAGE_MAX * 2);
	struct sim_details details = { .present = true,
				       .name = name[0] ? name : NULL,
				       .group = group[0] ? group : NULL,
				       .kind = kind,
				       .causes = causes };

	for (size_t i = 0; i < causes->count; i++)
		buf_addf(&list, "%s%s: %s", i ? ", " : "", causes->items[i].field, causes->items[i].message);
	sim_answer_status(r, 422, "Invalid", &details, "%s%s%s \"%s\" is invalid: %s%s%s", kind, group[0] ? "." : "",
			  group, name, causes->count > 1 ? "[" : "", list.data, causes->count > 1 ? "]" : "");
}

void sim_answer_internal(struct sim_response *r, const char *message)
{
	struct sim_causes causes = { .count = 1, .items = { { .message = (char *)(uintptr_t)message } } };
	struct sim_details details = { .present = true, .causes = &causes };

	sim_answer_status(r, 500, "InternalError", &details, "Internal error occurred: %s", message);
}
