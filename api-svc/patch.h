/*
 * PATCH: the container's spec is read from a worker, the client's merge patch is applied (RFC 7396), the result is
 * validated like a create, and sent to a worker together with its base version. If the version has changed in the
 * meantime, everything is retried after a random delay, until the deadline.
 *
 * Merging is done here because the API document is here. It needs one more read of the container than a merge in the
 * worker.
 */
#ifndef API_SVC_PATCH_H
#define API_SVC_PATCH_H

#include "api-svc/document/schema.h"
#include "api-svc/pipeline/worker_client.h"

/* Everything is copied except the schema, which is static. */
struct patch_request {
	struct worker_client *client;
	const struct schema *schema; /* of a create's body */
	const char *id;
	const char *token;
	const char *if_match; /* the header's value; NULL: absent */
	const char *request_id;
	const char *traceparent; /* "": none */
	int64_t timeout_ms;
	size_t request_max; /* bytes of a worker request */
	/* As in struct worker_ask: called exactly once after RC_OK of patch_begin(). */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	void *ctx;
	uint64_t cookie;
};

/*
 * Start it. Never blocks.
 *
 * patch  of the container; owned by the callee, also after an error.
 * Errors: RC_NO_MEMORY, RC_UNAVAILABLE; then done() is not called.
 */
enum rc patch_begin(const struct patch_request *request, cJSON *patch, struct error *err) must_check;

#endif
