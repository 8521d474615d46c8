/*
 * Maps requests to operations and documents. 404 and 405 (with `Allow`) are derived from the same table.
 */
#ifndef API_SVC_ROUTER_H
#define API_SVC_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "api-svc/document/openapi.h"
#include "api-svc/http/target.h"
#include "common/operation.h"

enum route_answer {
	ROUTE_ASKS_WORKER,
	ROUTE_HEALTH,
	ROUTE_DOCUMENT_YAML,
	ROUTE_DOCUMENT_JSON,
	ROUTE_CONSOLE,
	ROUTE_METRICS,
	ROUTE_LIVE,
	ROUTE_READY,
	ROUTE_ANSWER_COUNT
};

struct route {
	const char *method; /* GET includes HEAD */
	/*
	 * Segments; one in braces matches any segment without a colon, including an empty one, and with ":verb" any
	 * that ends with it.
	 */
	const char *pattern;
	enum route_answer answer;
	enum operation operation; /* OPERATION_COUNT: not in the API document */
};

/* Whether it requires no authentication. */
bool route_is_open(const struct route *route);

/*
 * Whether it is polled every few seconds (probes, scrapes). It is cheap, must be served even under overload, and is not
 * logged.
 */
bool route_is_polled(const struct route *route);

#define ROUTER_ALLOW_MAX 64 /* bytes of an Allow header's value with the NUL */

enum router_result {
	ROUTER_FOUND,
	ROUTER_NOT_FOUND,
	ROUTER_NOT_ALLOWED,
};

struct router_match {
	bool found;
	struct route route;           /* if found */
	const char *parameter;        /* the first parameter; NULL: none. Owned by the target */
	const char *item;             /* the second parameter, which has no verb */
	char allow[ROUTER_ALLOW_MAX]; /* ROUTER_NOT_ALLOWED */
};

/*
 * Find the route of a request. Methods are case-sensitive (RFC 9110). A ":verb" is removed from the target's segment.
 */
enum router_result router_find(const char *method, struct target *target, struct router_match *ret_match);

/*
 * Check that the operations (operation.h) and the API document are consistent: every operation of the document has a
 * row, with the same method and path. RC_INTERNAL with the difference.
 */
enum rc router_check(const struct openapi *openapi, struct error *err) must_check;

#endif
