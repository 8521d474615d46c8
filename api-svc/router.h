/*
 * Which operation or document a request is for. What is unknown (404) and what is not allowed (405, with `Allow`)
 * follows from the same table.
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
	const char *method; /* GET stands for HEAD as well */
	/*
	 * Segments; one in braces matches any without a colon, also an empty one, and with ":verb" after it any that
	 * ends with that.
	 */
	const char *pattern;
	enum route_answer answer;
	enum operation operation; /* OPERATION_COUNT: none of the API document */
};

/* Whether it requires no authentication. */
bool route_is_open(const struct route *route);

/*
 * Whether it is polled every few seconds (probes, scrapes). It is cheap, has to be told when nothing else can be, and
 * is no news.
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
	struct route route;           /* when found */
	const char *parameter;        /* what is in braces; NULL: the pattern has none. Belongs to the target */
	const char *item;             /* the same, of the second ones, which have no verb */
	char allow[ROUTER_ALLOW_MAX]; /* ROUTER_NOT_ALLOWED */
};

/* Find the route of a request. Methods are case-sensitive (RFC 9110). A ":verb" is cut off the target's segment. */
enum router_result router_find(const char *method, struct target *target, struct router_match *ret_match);

/*
 * Do the operations (operation.h) and the API document say the same? Every operation of the document has a row, and
 * every row that names one agrees with it in method and path. RC_INTERNAL with the difference.
 */
enum rc router_check(const struct openapi *openapi, struct error *err) must_check;

#endif
