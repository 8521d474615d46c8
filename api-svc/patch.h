/*
 * PATCH: the container's spec is read from a worker, the client's merge patch is applied to it (RFC 7396), the result
 * must satisfy what a create must satisfy, and a worker is sent it together with the version that it was made from.
 * When that is another one by then, all of it again, a random moment later, until the deadline.
 *
 * The document is here, so the merging is; a worker that merged would need it, or would have to ask back. That costs
 * one read of the container more than a worker's own GET and PUT.
 */
#ifndef API_SVC_PATCH_H
#define API_SVC_PATCH_H

#include "api-svc/document/schema.h"
#include "api-svc/pipeline/worker_client.h"

/* Everything is copied but for the schema, which lives forever. */
struct patch_request {
	struct worker_client *client;
	const struct schema *schema; /* of a create's body */
	const char *id;
	const char *token;
	const char *if_match; /* the header's value; NULL: absent */
	const char *request_id;
	const char *traceparent; /* "": none */
	int64_t timeout_ms;
	size_t request_max; /* bytes of what a worker is sent */
	/* As in struct worker_ask: called exactly once after RC_OK of patch_begin(). */
	void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply);
	void *ctx;
	uint64_t cookie;
};

/*
 * Begin. Never waits.
 *
 * patch  of the container; taken over, also after an error.
 * Errors: RC_NO_MEMORY, RC_UNAVAILABLE: then done() is not called.
 */
enum rc patch_begin(const struct patch_request *request, cJSON *patch, struct error *err) must_check;

#endif
