/*
 * Request metrics of api-svc, and the response to GET /metrics.
 */
#ifndef API_SVC_API_METRICS_H
#define API_SVC_API_METRICS_H

#include "api-svc/request.h"

/* Why a request is rejected before processing. */
enum api_refusal { API_REFUSAL_CONNECTIONS, API_REFUSAL_MEMORY, API_REFUSAL_COUNT };

/* A request was started; rejected; its response is streamed; it has ended. Thread-safe. */
void api_metrics_begin(void);
void api_metrics_refused(enum api_refusal why);
void api_metrics_stream(void);
void api_metrics_end(const struct request *r);

/* Respond with all metrics. Returns HTTP_ANSWERED. On a server thread. */
enum http_handled api_metrics_answer(struct request *r, struct http_exchange *exchange, struct http_server *server);

#endif
