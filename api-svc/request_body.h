/*
 * Parses and validates the body of a request.
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
	bool optional;    /* may be empty */
	bool may_be_bare; /* of a create */
	bool merge_patch; /* of an update: the media type may also be that of merge patches, and the schema is that of the result */
	/*
	 * With an Idempotency-Key the body may be the value of `spec` alone, as sent by DCM's environment agent.
	 */
	bool has_key;
};

/*
 * Parse and validate a body. All errors are added to `faults`; without errors the tree is set, or there is no body.
 *
 * schema    of the whole body, such as {"spec": {...}}.
 * ret_bare  it is a bare spec.
 * ret_tree  owned by the caller (cJSON_Delete): {"spec": {...}} also for a bare spec; NULL if it could not be parsed.
 */
void request_body_read(const struct request_body_source *source, const struct schema *schema, struct faults *faults,
		       bool *ret_bare, cJSON **ret_tree);

/* The media types of a merge patch, human-readable. */
#define REQUEST_BODY_PATCH_TYPES "application/merge-patch+json or application/json"

/* Whether the Content-Type is one of those. NULL: false. */
bool request_body_is_merge_patch(const char *content_type);

/* Whether the Content-Type is JSON: application/json, case-insensitive, with any parameters. NULL: false. */
bool request_body_is_json(const char *content_type);

#endif
