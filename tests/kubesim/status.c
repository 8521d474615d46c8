#include "tests/kubesim/status.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"

#define MESSAGE_MAX ((size_t)1 << 20) /* bytes; messages contain complete values */

/* ---- causes ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *reason;
	const char *words;
} fault_words[] = {
	[FAULT_REQUIRED] = { "FieldValueRequired", "Required value" },
	[FAULT_INVALID] = { "FieldValueInvalid", "Invalid value" },
	[FAULT_TOO_LONG] = { "FieldValueTooLong", "Too long" },
	[FAULT_NOT_SUPPORTED] = { "FieldValueNotSupported", "Unsupported value" },
	[FAULT_DUPLICATE] = { "FieldValueDuplicate", "Duplicate value" },
	[FAULT_FORBIDDEN] = { "FieldValueForbidden", "Forbidden" },
	[FAULT_REFUSED] = { "Refused", "Not simulated" },
};

void sim_cause_add(struct sim_causes *causes, enum sim_fault_kind kind, const char *value, const char *detail,
		   const char *field, ...)
{
	struct buf message cleanup_buf = buf_make(MESSAGE_MAX);
	struct json_writer w = json_writer_make(&message);
	struct sim_cause *cause = &causes->items[causes->count];
	va_list args;

	causes->refused |= kind == FAULT_REFUSED;
	if (causes->count == CAUSES_MAX)
		return;
	buf_addf(&message, "%s: ", fault_words[kind].words);
	if (value) {
		json_string(&w, NULL, value);
		buf_add_str(&message, ": ");
	}
	buf_add_str(&message, detail);
	cause->reason = fault_words[kind].reason;
	cause->message = buf_take(&message, NULL);
	va_start(args, field);
	if (vasprintf(&cause->field, field, args) < 0)
		cause->field = NULL;
	va_end(args);
	causes->count++;
}

void sim_causes_clear(struct sim_causes *causes)
{
	for (size_t i = 0; i < causes->count; i++) {
		free(causes->items[i].message);
		free(causes->items[i].field);
	}
	causes->count = 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_causes(struct json_writer *w, const struct sim_causes *causes)
{
	json_begin_array(w, "causes");
	for (size_t i = 0; i < causes->count; i++) {
		json_begin_object(w, NULL);
		json_string(w, "reason", causes->items[i].reason);
		json_string(w, "message", causes->items[i].message);
		json_string(w, "field", causes->items[i].field);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_details(struct json_writer *w, const struct sim_status *s)
{
	json_begin_object(w, "details");
	json_optional_string(w, "name", s->name);
	if (s->kind) {
		json_optional_string(w, "group", s->kind->group[0] ? s->kind->group : NULL);
		json_string(w, "kind", s->causes ? s->kind->kind : s->kind->plural);
	}
	if (s->causes)
		write_causes(w, s->causes);
	if (s->retry_after_s)
		json_int(w, "retryAfterSeconds", s->retry_after_s);
	json_end_object(w);
}

void sim_status_write(struct buf *out, const struct sim_status *status, const char *message)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "kind", "Status");
	json_string(&w, "apiVersion", "v1");
	json_begin_object(&w, "metadata");
	json_optional_string(&w, "continue", status->continue_token);
	json_end_object(&w);
	json_string(&w, "status", "Failure");
	json_string(&w, "message", message);
	json_optional_string(&w, "reason", status->reason);
	write_details(&w, status);
	json_int(&w, "code", status->code);
	json_end_object(&w);
}

/* ---- responses --------------------------------------------------------------------------------------------------- */

void sim_answer_status(struct sim_response *r, const struct sim_status *status, const char *fmt, ...)
{
	cleanup_free char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	buf_reset(&r->body);
	r->status = status->code;
	r->content_type = NULL;
	sim_status_write(&r->body, status, message ? message : "");
}

void sim_answer_bad_request(struct sim_response *r, const char *message)
{
	sim_answer_status(r, &(struct sim_status){ .code = 400, .reason = "BadRequest" }, "%s", message);
}

void sim_answer_not_found(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_status status = { .code = 404, .reason = "NotFound", .kind = kind, .name = name };

	sim_answer_status(r, &status, "%s \"%s\" not found", kind->resource, name);
}

void sim_answer_no_such_path(struct sim_response *r)
{
	sim_answer_status(r, &(struct sim_status){ .code = 404, .reason = "NotFound" },
			  "the server could not find the requested resource");
}

void sim_answer_exists(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_status status = { .code = 409, .reason = "AlreadyExists", .kind = kind, .name = name };

	sim_answer_status(r, &status, "%s \"%s\" already exists", kind->resource, name);
}

void sim_answer_modified(struct sim_response *r, const struct sim_kind *kind, const char *name)
{
	struct sim_status status = { .code = 409, .reason = "Conflict", .kind = kind, .name = name };

	sim_answer_status(r, &status,
			  "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
			  "changes to the latest version and try again",
			  kind->resource, name);
}

void sim_answer_invalid(struct sim_response *r, const struct sim_kind *kind, const char *name,
			const struct sim_causes *causes)
{
	struct buf list cleanup_buf = buf_make(MESSAGE_MAX * 2);
	struct sim_status status = { .code = 422, .reason = "Invalid", .kind = kind, .name = name, .causes = causes };
	bool several = causes->count > 1;

	for (size_t i = 0; i < causes->count; i++)
		buf_addf(&list, "%s%s: %s", i ? ", " : "", causes->items[i].field, causes->items[i].message);
	if (causes->refused) {
		sim_answer_refused(r, list.data);
		return;
	}
	sim_answer_status(r, &status, "%s%s%s \"%s\" is invalid: %s%s%s", kind->kind, kind->group[0] ? "." : "",
			  kind->group, name, several ? "[" : "", list.data, several ? "]" : "");
}

void sim_answer_internal(struct sim_response *r, const char *message)
{
	sim_answer_status(r, &(struct sim_status){ .code = 500, .reason = "InternalError" },
			  "Internal error occurred: %s", message);
}

void sim_answer_refused(struct sim_response *r, const char *what)
{
	sim_answer_status(r, &(struct sim_status){ .code = 501, .reason = "NotImplemented" },
			  "kubesim does not know %s", what);
}

void sim_answer_unreadable(struct sim_response *r, const struct error *err)
{
	if (err->rc == RC_UNSUPPORTED)
		sim_answer_refused(r, err->text);
	else
		sim_answer_bad_request(r, err->text);
}

void sim_answer_object(struct sim_response *r, unsigned code, const struct sim_object *object)
{
	r->status = code;
	sim_object_write(object, object->version, false, &r->body);
}
