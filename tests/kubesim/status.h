/*
 * Kubernetes Status objects: what the API server says when it does not answer with an object. Words are the real ones.
 */
#ifndef KUBESIM_STATUS_H
#define KUBESIM_STATUS_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/kinds.h"

#define CAUSES_MAX 64 /* faults of one object that are reported */

/* Faults of one object. */
struct sim_cause {
	const char *reason; /* "FieldValueInvalid" */
	char *message;      /* NULL: memory was short */
	char *field;
};

struct sim_causes {
	struct sim_cause items[CAUSES_MAX];
	size_t count;
};

/* Kinds of faults, each with its reason and its first words. */
enum sim_fault_kind {
	FAULT_REQUIRED,
	FAULT_INVALID,
	FAULT_DUPLICATE,
	FAULT_UNSUPPORTED,
	FAULT_FORBIDDEN,
	FAULT_TOO_LONG
};

/*
 * Add a fault: `field` at fault, with the value as JSON (NULL: none is shown) and a detail ("" or NULL: none). All are
 * copied.
 */
void sim_cause_add(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const char *value_json,
		   const char *detail);

/* The same with a text, which is quoted, or a number, or a tree as value. */
void sim_cause_text(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const char *value,
		    const char *detail);
void sim_cause_int(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, int64_t value,
		   const char *detail);
void sim_cause_tree(struct sim_causes *causes, enum sim_fault_kind kind, const char *field, const cJSON *value,
		    const char *detail);
void sim_causes_clear(struct sim_causes *causes);
#define cleanup_causes cleanup_with(sim_causes_clear)

/* What stands in `details`; members that are NULL or 0 are left out. */
struct sim_details {
	bool present; /* there are details, even if they are {} */
	const char *name;
	const char *group;
	const char *kind;
	const char *uid;
	const struct sim_causes *causes;
	int retry_after_s;
	const char *continue_token; /* in metadata */
};

/* Append a Status with status "Failure" to `out`. */
void sim_status_write(struct buf *out, unsigned code, const char *reason, const char *message,
		      const struct sim_details *details);

/* Make it the response. reason may be "". */
void sim_answer_status(struct sim_response *r, unsigned code, const char *reason, const struct sim_details *details,
		       const char *fmt, ...) printf_format(5, 6);

/* The usual ones. */
void sim_answer_bad_request(struct sim_response *r, const char *message);
void sim_answer_not_found(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_no_such_path(struct sim_response *r);
void sim_answer_exists(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_modified(struct sim_response *r, const struct sim_kind *kind, const char *name);
void sim_answer_invalid(struct sim_response *r, const char *group, const char *kind, const char *name,
			const struct sim_causes *causes);
void sim_answer_internal(struct sim_response *r, const char *message);

#endif
