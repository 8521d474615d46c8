/*
 * What the API does with a request: from its target to the question for a worker, and from the worker's answer to the
 * client's. http_server.h calls it, worker_client.h answers it.
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
 * config, openapi, client, streams and watches are borrowed and outlive the result.
 * Errors: RC_NO_MEMORY.
 */
enum rc api_create(const struct api_config *config, const struct openapi *openapi, struct worker_client *client,
		   struct stream_answers *streams, struct watches *watches, struct api **ret_api, struct error *err)
	must_check;

/* Free it; its server has ended and no request is pending. NULL is allowed. */
void api_destroy(struct api *api);

/* The server that will call api_admit(), api_handle() and api_finish(); before any answer of a worker can come. */
void api_set_server(struct api *api, struct http_server *server);

/* For http_server_options. `ctx` is the api. */
enum http_handled api_admit(void *ctx, struct http_exchange *exchange);
enum http_handled api_handle(void *ctx, struct http_exchange *exchange);
void api_finish(void *ctx, struct http_exchange *exchange, bool delivered);

#endif
