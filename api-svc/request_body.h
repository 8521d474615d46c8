/*
 * The body of a create: from the client's bytes to a spec that a worker may rely on.
 */
#ifndef API_SVC_REQUEST_BODY_H
#define API_SVC_REQUEST_BODY_H

#include <stdbool.h>

#include "api-svc/document/faults.h"
#include "api-svc/document/schema.h"
#include "common/services/json_write.h"

struct request_body_source {
	const char *content_type; /* NULL: the header is absent */
	const char *body;
	size_t len;
	/*
	 * There is an Idempotency-Key: then the body may be the value of `spec` alone, as DCM's environment agent
	 * sends it.
	 */
	bool has_key;
};

/*
 * Read and check a body. What is wrong is added to `faults`, all of it; when nothing is, the spec is there.
 *
 * schema    of the whole body: {"spec": {...}}.
 * ret_bare  it is a bare spec.
 * ret_tree  given to the caller (cJSON_Delete): {"spec": {...}}, also for a bare spec; NULL when it could not be read.
 */
void request_body_read(const struct request_body_source *source, const struct schema *schema, struct faults *faults,
		       bool *ret_bare, cJSON **ret_tree);

/* Is this Content-Type JSON: application/json, in any case, with any parameters? NULL: false. */
bool request_body_is_json(const char *content_type);

#endif
