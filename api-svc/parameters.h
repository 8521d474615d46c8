/*
 * The parameters of a request (path, query, headers) against what the API document says of them.
 */
#ifndef API_SVC_PARAMETERS_H
#define API_SVC_PARAMETERS_H

#include "api-svc/document/faults.h"
#include "api-svc/document/openapi.h"
#include "api-svc/http/target.h"
#include "common/services/json_write.h"

/* Where the values come from; everything is borrowed. */
struct parameters_source {
	const struct target *target;
	const char *path_parameter; /* the value of the path's first parameter; NULL: it has none */
	const char *path_item;      /* of its second one */
	const char *(*header)(const void *ctx, const char *name); /* NULL result: absent */
	const void *header_ctx;
};

/*
 * Add to `faults` what is wrong: a required parameter that is missing, one that is given twice, a value that its schema
 * rejects. A parameter of the query whose schema is an array is given once for each item. Parameters that the document
 * does not know are ignored.
 */
void parameters_check(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct faults *faults);

/* The value of a query parameter; NULL when it is absent. Belongs to the target. */
const char *parameters_query(const struct target *target, const char *name);

/*
 * Write the parameters of path and query but lists, each as a member of its name, whole numbers as numbers, booleans as
 * such; the first of a path is "id". They have passed parameters_check(). What is absent is its default; without one it
 * is left out.
 */
void parameters_write(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct json_writer *w);

#endif
