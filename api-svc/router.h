/*
 * Which handler a request belongs to: one table. What is unknown (404) and what is not allowed (405, with `Allow`)
 * follows from the same table.
 */
#ifndef API_SVC_ROUTER_H
#define API_SVC_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "api-svc/document/openapi.h"
#include "api-svc/http/target.h"

enum route_id {
	ROUTE_HEALTH,
	ROUTE_LIST,
	ROUTE_CREATE,
	ROUTE_GET,
	ROUTE_DELETE,
	ROUTE_DOCUMENT_YAML,
	ROUTE_DOCUMENT_JSON,
	ROUTE_COUNT
};

struct route {
	enum route_id id;
	const char *method;    /* GET stands for HEAD as well */
	const char *pattern;   /* segments; one in braces matches any, also an empty one */
	const char *operation; /* operationId in the API document; NULL: not part of it */
	bool open;             /* for everybody, whoever else needs a token */
};

#define ROUTER_ALLOW_MAX 64 /* bytes of an Allow header's value with the NUL */

enum router_result {
	ROUTER_FOUND,
	ROUTER_NOT_FOUND,
	ROUTER_NOT_ALLOWED,
};

struct router_match {
	const struct route *route;    /* ROUTER_FOUND */
	const char *parameter;        /* the segment in braces; NULL: the pattern has none. Belongs to the target */
	char allow[ROUTER_ALLOW_MAX]; /* ROUTER_NOT_ALLOWED */
};

/* Find the route of a request. Methods are case-sensitive (RFC 9110). */
enum router_result router_find(const char *method, const struct target *target, struct router_match *ret_match);

/*
 * Do the table and the API document say the same? Every operation of the document has a route and every route that
 * names one agrees with it in method and path. RC_INTERNAL with the difference.
 */
enum rc router_check(const struct openapi *openapi, struct error *err) must_check;

#endif
