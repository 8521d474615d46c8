#include "api-svc/router.h"

#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/metrics_text.h"

/* In addition to the operations. */
static const struct route others[] = {
	{ "GET", "/health", ROUTE_HEALTH, OPERATION_COUNT },
	{ "GET", "/openapi.yaml", ROUTE_DOCUMENT_YAML, OPERATION_COUNT },
	{ "GET", "/openapi.json", ROUTE_DOCUMENT_JSON, OPERATION_COUNT },
	{ "GET", "/console", ROUTE_CONSOLE, OPERATION_COUNT },
	{ "GET", "/console/console.css", ROUTE_CONSOLE, OPERATION_COUNT },
	{ "GET", "/console/console.js", ROUTE_CONSOLE, OPERATION_COUNT },
	{ "GET", METRICS_PATH, ROUTE_METRICS, OPERATION_COUNT },
	{ "GET", "/livez", ROUTE_LIVE, OPERATION_COUNT },
	{ "GET", "/readyz", ROUTE_READY, OPERATION_COUNT },
};

#define ROUTE_COUNT (OPERATION_COUNT + ARRAY_LEN(others))

/* The route at an index; its method is NULL for an internal operation. */
static struct route route_at(size_t index)
{
	const struct operation_row *row;

	if (index >= OPERATION_COUNT)
		return others[index - OPERATION_COUNT];
	row = operation_row((enum operation)index);
	return (struct route){
		.method = row->method,
		.pattern = row->path,
		.answer = index == OPERATION_HEALTH ? ROUTE_HEALTH : ROUTE_ASKS_WORKER,
		.operation = (enum operation)index,
	};
}

bool route_is_open(const struct route *route)
{
	return route->answer != ROUTE_ASKS_WORKER && route->answer != ROUTE_METRICS;
}

bool route_is_polled(const struct route *route)
{
	return route->answer == ROUTE_HEALTH || route->answer == ROUTE_METRICS || route->answer == ROUTE_LIVE ||
	       route->answer == ROUTE_READY;
}

/*
 * Whether a segment matches a pattern part with braces: "{id}" or "{id}:verb". *ret_colon: of the verb; NULL: none.
 */
static bool matches_parameter(const char *part, size_t len, char *segment, char **ret_colon)
{
	const char *verb = memchr(part, ':', len);

	*ret_colon = strrchr(segment, ':');
	if (!verb)
		return !*ret_colon;
	len -= (size_t)(verb - part);
	return *ret_colon && strlen(*ret_colon) == len && strncmp(*ret_colon, verb, len) == 0;
}

/* The parameters in a target. */
struct parameter {
	char *segment; /* the first; NULL: none */
	char *colon;   /* before its verb; NULL: none */
	char *item;    /* the second; NULL: none */
};

static bool matches(const char *pattern, struct target *target, struct parameter *ret_parameter)
{
	const char *at = pattern + 1;

	*ret_parameter = (struct parameter){ .segment = NULL };
	for (size_t i = 0; i < target->segment_count && i < TARGET_SEGMENTS_MAX; i++) {
		char *segment = target->segments[i];
		size_t len = strcspn(at, "/");

		if (at[0] == '{' && ret_parameter->segment) {
			char *colon;

			ret_parameter->item = segment;
			if (!matches_parameter(at, len, segment, &colon))
				return false;
		} else if (at[0] == '{') {
			ret_parameter->segment = segment;
			if (!matches_parameter(at, len, segment, &ret_parameter->colon))
				return false;
		} else if (strlen(segment) != len || strncmp(at, segment, len) != 0) {
			return false;
		}
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

/* A fixed segment takes precedence over a parameter: "/containers/health" is not a container. */
static bool is_more_exact(const char *pattern, const char *other)
{
	return !other || (!strchr(pattern, '{') && strchr(other, '{'));
}

/* The pattern of the routes that match the target; NULL: none. */
static const char *find_pattern(struct target *target, struct parameter *ret_parameter)
{
	const char *found = NULL;
	struct parameter parameter;

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		struct route route = route_at(i);

		if (route.method && matches(route.pattern, target, &parameter) && is_more_exact(route.pattern, found)) {
			found = route.pattern;
			*ret_parameter = parameter;
		}
	}
	return found;
}

enum router_result router_find(const char *method, struct target *target, struct router_match *ret_match)
{
	struct parameter parameter = { .segment = NULL };
	const char *pattern = find_pattern(target, &parameter);

	*ret_match = (struct router_match){ .found = false };
	for (size_t i = 0; pattern && i < ROUTE_COUNT; i++) {
		struct route route = route_at(i);

		if (!route.method || strcmp(route.pattern, pattern) != 0)
			continue;
		if (takes_method(&route, method)) {
			if (parameter.colon)
				*parameter.colon = '\0';
			*ret_match = (struct router_match){
				.found = true,
				.route = route,
				.parameter = parameter.segment,
				.item = parameter.item,
			};
			return ROUTER_FOUND;
		}
		add_allowed(ret_match->allow, route.method);
	}
	return pattern ? ROUTER_NOT_ALLOWED : ROUTER_NOT_FOUND;
}

static const struct operation_row *row_of(const char *id)
{
	for (int op = 0; op < OPERATION_COUNT; op++)
		if (str_equal(operation_row((enum operation)op)->id, id))
			return operation_row((enum operation)op);
	return NULL;
}

enum rc router_check(const struct openapi *openapi, struct error *err)
{
	for (size_t i = 0; i < openapi_operation_count(openapi); i++) {
		const struct openapi_operation *op = openapi_operation_at(openapi, i);
		const struct operation_row *row = row_of(op->id);
		char status[12];

		if (!row)
			return error_set(err, RC_INTERNAL, "the API document's operation '%s' has no row", op->id);
		if (strcmp(row->path, op->path) != 0 || strcasecmp(row->method, op->method) != 0)
			return error_set(err, RC_INTERNAL, "the row of '%s' is %s %s, the API document says %s %s",
					 op->id, row->method, row->path, op->method, op->path);
		snprintf(status, sizeof(status), "%u", row->status);
		if (!json_get(op->responses, status))
			return error_set(err, RC_INTERNAL, "the row of '%s' returns %s, which the API document lacks",
					 op->id, status);
	}
	for (int op = 0; op < OPERATION_COUNT; op++) {
		const char *id = operation_row((enum operation)op)->id;

		if (id && !openapi_operation(openapi, id))
			return error_set(err, RC_INTERNAL, "the API document lacks the operation '%s'", id);
	}
	return RC_OK;
}
