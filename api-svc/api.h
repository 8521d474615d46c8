/*
 * Request handling of the API: from an HTTP request to a worker request, and from the worker's reply to the HTTP
 * response. Called by http_server.h and worker_client.h.
 */
#ifndef API_SVC_API_H
#define API_SVC_API_H

#include "api-svc/config.h"
#include "api-svc/document/openapi.h"
#include "api-svc/http/http_server.h"
#include "api-svc/pipeline/worker_client.h"
#include "api-svc/stream_answer.h"
#include "api-svc/watches.h"

struct api;

/*
 * config, openapi, client, streams and watches are borrowed and must outlive the result.
 * Errors: RC_NO_MEMORY.
 */
enum rc api_create(const struct api_config *config, const struct openapi *openapi, struct worker_client *client,
		   struct stream_answers *streams, struct watches *watches, struct api **ret_api, struct error *err)
	must_check;

/* Free it; its server must have ended, without pending requests. NULL is allowed. */
void api_destroy(struct api *api);

/* Set the server that calls api_admit(), api_handle() and api_finish(); before any worker reply can arrive. */
void api_set_server(struct api *api, struct http_server *server);

/* For http_server_options. `ctx` is the api. */
enum http_handled api_admit(void *ctx, struct http_exchange *exchange);
enum http_handled api_handle(void *ctx, struct http_exchange *exchange);
void api_finish(void *ctx, struct http_exchange *exchange, bool delivered);

#endif
