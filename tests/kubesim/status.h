/*
 * Kubernetes Status objects: responses of the API server that are not objects, with the original messages.
 */
#ifndef KUBESIM_STATUS_H
#define KUBESIM_STATUS_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/kinds.h"

#define CAUSES_MAX 32 /* maximum number of reported faults of an object */

/* Faults of one object. */
struct sim_cause {
	const char *reason; /* "FieldValueInvalid" */
	char *message;      /* NULL: memory was short */
	char *field;
};

struct sim_causes {
	struct sim_cause items[CAUSES_MAX];
	size_t count;
	bool refused; /* one of them is FAULT_REFUSED */
};

/* Kinds of faults, each with its reason and the beginning of its message. */
enum sim_fault_kind {
	FAULT_REQUIRED,
	FAULT_INVALID,
	FAULT_TOO_LONG,
	FAULT_NOT_SUPPORTED,
	FAULT_DUPLICATE,
	FAULT_FORBIDDEN,
	FAULT_REFUSED, /* no fault: this simulator cannot judge it; the whole request is rejected */
};

/* Add a fault: with the value (NULL: not shown), a detail and the field. All are copied. */
void sim_cause_add(struct sim_causes *causes, enum sim_fault_kind kind, const char *value, const char *detail,
		   const char *field, ...) printf_format(5, 6);
void sim_causes_clear(struct sim_causes *causes);
#define cleanup_causes cleanup_with(sim_causes_clear)

/* A Status; NULL and 0 are omitted. */
struct sim_status {
	unsigned code;
	const char *reason;
	const struct sim_kind *kind; /* for `details`, with the name and the causes */
	const char *name;
	const struct sim_causes *causes;
	int retry_after_s;
	const char *continue_token; /* in metadata */
};

/* Append a Status with status "Failure" to `out`. */
void sim_status_write(struct buf *out, const struct sim_status *status, const char *message);

/* Set it as the response, replacing the previous one. */
void sim_answer_status(struct sim_response *r, const struct sim_status *status, const char *fmt, ...)
	printf_format(3, 4);

/* Common responses. */
void sim_answer_bad_request(struct sim_response *r, const char *message);
void sim_answer_not_found(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_no_such_path(struct sim_response *r);
void sim_answer_exists(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_modified(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_invalid(struct sim_response *r, const struct sim_kind *kind, const char *name,
			const struct sim_causes *causes);
void sim_answer_internal(struct sim_response *r, const char *message);

/* 501: a real API server may accept it, reject it or ignore parts of it. */
void sim_answer_refused(struct sim_response *r, const char *what);

/* The error of parsing a request: 501 for RC_UNSUPPORTED, otherwise a bad request. */
void sim_answer_unreadable(struct sim_response *r, const struct error *err);

/* Set an object as the response. */
void sim_answer_object(struct sim_response *r, unsigned code, const struct sim_object *object);

#endif
