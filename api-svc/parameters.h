/*
 * Validates the parameters of a request (path, query, headers) against the API document.
 */
#ifndef API_SVC_PARAMETERS_H
#define API_SVC_PARAMETERS_H

#include "api-svc/document/faults.h"
#include "api-svc/document/openapi.h"
#include "api-svc/http/target.h"
#include "common/services/json_write.h"

/* The source of the values; everything is borrowed. */
struct parameters_source {
	const struct target *target;
	const char *path_parameter;                               /* the first path parameter; NULL: none */
	const char *path_item;                                    /* the second one */
	const char *(*header)(const void *ctx, const char *name); /* NULL result: absent */
	const void *header_ctx;
};

/*
 * Add errors for missing required parameters, duplicates, and values that their schema rejects. A query parameter whose
 * schema is an array is repeated for each item. Unknown parameters are ignored.
 */
void parameters_check(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct faults *faults);

/* The value of a query parameter; NULL: absent. Owned by the target. */
const char *parameters_query(const struct target *target, const char *name);

/*
 * Write the validated path and query parameters except lists, each as a member with its name, integers as numbers,
 * booleans as such; the first path parameter is "id". Absent parameters have their default; without one they are
 * omitted.
 */
void parameters_write(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct json_writer *w);

#endif
