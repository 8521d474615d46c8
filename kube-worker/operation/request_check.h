/*
 * What a worker accepts over NATS: the headers of a request, and the members of its JSON, of which each operation has a
 * table (op.h). Whoever may publish there is not always an api-svc of ours. Pure.
 */
#ifndef KUBE_WORKER_OPERATION_REQUEST_CHECK_H
#define KUBE_WORKER_OPERATION_REQUEST_CHECK_H

#include "common/protocol.h"
#include "common/services/json.h"

/* As they came; NULL: absent. */
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
	int64_t deadline_ms; /* monotonic; it may be over */
	int64_t wait_ms;     /* within which it must begin; INT64_MAX: it may wait */
	int attempt;         /* 1... */
	const char *caller;  /* who gives permissions; NULL: an api-svc that does not know of them */
	const char *request_id;
	const char *traceparent; /* NULL: none */
};

/*
 * Read the headers, of whom only the deadline must be there.
 *
 * wall_ms, mono_ms  now, by both clocks: the deadline travels as wall-clock time.
 * Errors: RC_INTERNAL which one is wrong.
 */
enum rc request_check_headers(const struct request_header_texts *texts, int64_t wall_ms, int64_t mono_ms,
			      struct request_headers *ret_headers, struct error *err) must_check;

/* A member that a request of an operation has. */
struct request_member {
	const char *parent; /* the object that it is in, if that is there; NULL: the request itself */
	const char *name;
	bool required;
	bool (*type)(const struct request_member *member, const cJSON *value); /* one of those below */
	const char *form;                                                      /* what it has to be */
	bool (*valid)(const char *text);                                       /* of a text; NULL: any */
	int64_t min, max;                                                      /* of a number */
};

bool request_member_is_text(const struct request_member *member, const cJSON *value);
bool request_member_is_bool(const struct request_member *member, const cJSON *value);
bool request_member_is_int(const struct request_member *member, const cJSON *value);
bool request_member_is_texts(const struct request_member *member, const cJSON *value); /* one at least */
bool request_member_is_object(const struct request_member *member, const cJSON *value);

/* 1 to `max` visible ASCII characters? */
bool request_is_visible(const char *text, size_t max);

/*
 * Check the members of a request; others are ignored, as a newer api-svc may send them.
 *
 * name  of the operation, for the error. count  of members.
 * Errors: RC_INTERNAL which one is missing or wrong, and what it has to be. Never shows its value.
 */
enum rc request_check_members(const char *name, const struct request_member *members, size_t count,
			      const cJSON *request, struct error *err) must_check;

#endif
