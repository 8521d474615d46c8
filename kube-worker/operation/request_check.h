/*
 * Validates requests over NATS: headers, and the members of the JSON by a table per operation (op.h). Publishers may
 * not be our own api-svc. Pure.
 */
#ifndef KUBE_WORKER_OPERATION_REQUEST_CHECK_H
#define KUBE_WORKER_OPERATION_REQUEST_CHECK_H

#include "common/protocol.h"
#include "common/services/json.h"

/* The raw texts; NULL: absent. */
struct request_header_texts {
	const char *reply; /* the reply subject */
	const char *deadline;
	const char *attempt;
	const char *wait;
	const char *permission;
	const char *request_id;
	const char *traceparent;
};

/* The texts are borrowed. */
struct request_headers {
	int64_t deadline_ms; /* monotonic; may be in the past */
	int64_t wait_ms;     /* within which it must start; INT64_MAX: no limit */
	int attempt;         /* 1... */
	const char *caller;  /* for permissions; NULL: an api-svc without them */
	const char *request_id;
	const char *traceparent; /* NULL: none */
};

/*
 * Parse the headers, of which only the deadline is required.
 *
 * wall_ms, mono_ms  now, on both clocks: the deadline is sent as wall-clock time.
 * Errors: RC_INTERNAL with the invalid one.
 */
enum rc request_check_headers(const struct request_header_texts *texts, int64_t wall_ms, int64_t mono_ms,
			      struct request_headers *ret_headers, struct error *err) must_check;

/* A member of an operation's request. */
struct request_member {
	const char *parent; /* the object that contains it, if present; NULL: the request itself */
	const char *name;
	bool required;
	bool (*type)(const struct request_member *member, const cJSON *value); /* one of the functions below */
	const char *form;                                                      /* the valid form */
	bool (*valid)(const char *text);                                       /* of a text; NULL: any */
	int64_t min, max;                                                      /* of a number */
};

bool request_member_is_text(const struct request_member *member, const cJSON *value);
bool request_member_is_bool(const struct request_member *member, const cJSON *value);
bool request_member_is_int(const struct request_member *member, const cJSON *value);
bool request_member_is_texts(const struct request_member *member, const cJSON *value); /* at least one */
bool request_member_is_object(const struct request_member *member, const cJSON *value);

/* The id of the container. */
#define REQUEST_MEMBER_ID                                                                                \
	{                                                                                                \
		.name = "id", .required = true, .type = request_member_is_text, .valid = protocol_is_id, \
		.form = "an id"                                                                          \
	}

/* Whether text is 1 to `max` visible ASCII characters. */
bool request_is_visible(const char *text, size_t max);

/*
 * Validate the members of a request; unknown ones are ignored, as a newer api-svc may send them.
 *
 * name  of the operation, for the error. count  of members.
 * Errors: RC_INTERNAL with the missing or invalid one and its valid form, without its value.
 */
enum rc request_check_members(const char *name, const struct request_member *members, size_t count,
			      const cJSON *request, struct error *err) must_check;

#endif
