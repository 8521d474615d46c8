#include "api-svc/router.h"

#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"

#define CONTAINERS "/api/v1alpha1/containers"

/* The first that matches counts: a fixed segment stands before a parameter. */
static const struct route routes[] = {
	/* clang-format off */
	{ ROUTE_HEALTH,        "GET",    CONTAINERS "/health",         "getHealth", true },
	{ ROUTE_HEALTH,        "GET",    "/health",                    NULL, true },
	{ ROUTE_LIST,          "GET",    CONTAINERS,                   "listContainers", false },
	{ ROUTE_CREATE,        "POST",   CONTAINERS,                   "createContainer", false },
	{ ROUTE_GET,           "GET",    CONTAINERS "/{container_id}", "getContainer", false },
	{ ROUTE_DELETE,        "DELETE", CONTAINERS "/{container_id}", "deleteContainer", false },
	{ ROUTE_DOCUMENT_YAML, "GET",    "/openapi.yaml",              NULL, true },
	{ ROUTE_DOCUMENT_JSON, "GET",    "/openapi.json",              NULL, true },
	/* clang-format on */
};

/* Does the pattern match the segments? A parameter's value is stored. */
static bool matches(const char *pattern, const struct target *target, const char **ret_parameter)
{
	const char *at = pattern + 1;

	*ret_parameter = NULL;
	for (size_t i = 0; i < target->segment_count && i < TARGET_SEGMENTS_MAX; i++) {
		size_t len = strcspn(at, "/");

		if (at[0] == '{')
			*ret_parameter = target->segments[i];
		else if (strlen(target->segments[i]) != len || strncmp(at, target->segments[i], len) != 0)
			return false;
		at += len;
		if (*at == '\0')
			return i + 1 == target->segment_count;
		at++;
	}
	return false;
}

static bool takes_method(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void add_allowed(char allow[ROUTER_ALLOW_MAX], const char *method)
{
	size_t len = strlen(allow);

	if (strstr(allow, method))
		return;
	snprintf(allow + len, ROUTER_ALLOW_MAX - len, "%s%s%s", len ? ", " : "", method,
		 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum router_result router_find(const char *method, const struct target *target, struct router_match *ret_match)
{
	const char *first_pattern = NULL; /* that matched: a later, more general one does not count */
	const char *parameter;

	*ret_match = (struct router_match){ .route = NULL };
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!matches(routes[i].pattern, target, &parameter))
			continue;
		if (first_pattern && strcmp(first_pattern, routes[i].pattern) != 0)
			continue;
		first_pattern = routes[i].pattern;
		if (takes_method(&routes[i], method)) {
			*ret_match = (struct router_match){ .route = &routes[i], .parameter = parameter };
			return ROUTER_FOUND;
		}
		add_allowed(ret_match->allow, routes[i].method);
	}
	return first_pattern ? ROUTER_NOT_ALLOWED : ROUTER_NOT_FOUND;
}

static const struct route *route_of(const char *operation)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (str_equal(routes[i].operation, operation))
			return &routes[i];
	return NULL;
}

enum rc router_check(const struct openapi *openapi, struct error *err)
{
	for (size_t i = 0; i < openapi_operation_count(openapi); i++) {
		const struct openapi_operation *op = openapi_operation_at(openapi, i);
		const struct route *route = route_of(op->id);

		if (!route)
			return error_set(err, RC_INTERNAL, "the API document's operation '%s' has no route", op->id);
		if (strcmp(route->pattern, op->path) != 0 || strcasecmp(route->method, op->method) != 0)
			return error_set(err, RC_INTERNAL, "the route of '%s' is %s %s, the API document says %s %s",
					 op->id, route->method, route->pattern, op->method, op->path);
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (routes[i].operation && !openapi_operation(openapi, routes[i].operation))
			return error_set(err, RC_INTERNAL, "the API document lacks the operation '%s'",
					 routes[i].operation);
	return RC_OK;
}
