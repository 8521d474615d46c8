/*
 * The API document: embedded in the binary, parsed and checked at startup, served as YAML and JSON, and used to
 * validate requests.
 */
#ifndef API_SVC_DOCUMENT_OPENAPI_H
#define API_SVC_DOCUMENT_OPENAPI_H

#include <stdbool.h>
#include <stddef.h>

#include "api-svc/document/schema.h"

enum openapi_place {
	OPENAPI_IN_PATH,
	OPENAPI_IN_QUERY,
	OPENAPI_IN_HEADER,
};

struct openapi_parameter {
	const char *name;
	enum openapi_place place;
	bool required;
	const struct schema *schema;
};

struct openapi_operation {
	const char *id;     /* operationId */
	const char *path;   /* as in the document: /api/v1alpha1/containers/{container_id} */
	const char *method; /* "get" */
	struct openapi_parameter *parameters;
	size_t parameter_count;
	bool body_required;
	const struct schema *body; /* of application/json; NULL: no body */
	bool takes_merge_patch;    /* the body may also be application/merge-patch+json (RFC 7396) */
	const cJSON *responses;    /* by status */
};

struct openapi;

/* The embedded document: OpenAPI 3.0 in YAML. Not NUL-terminated. */
const char *openapi_embedded(size_t *ret_len);

/*
 * Parse a document and check that everything in it is supported: each schema keyword (schema_compile), reference,
 * parameter and operation id.
 *
 * text  borrowed for the lifetime of the result: openapi_yaml() returns it.
 * ret_openapi  owned by the caller (openapi_destroy).
 * Errors: RC_INVALID_ARGUMENT with the location and the error; RC_NO_MEMORY.
 */
enum rc openapi_load(const char *text, size_t len, struct openapi **ret_openapi, struct error *err) must_check;

/* Free it. NULL is allowed. */
void openapi_destroy(struct openapi *openapi);

/* The operation with that id; NULL: none. Owned by the document. */
const struct openapi_operation *openapi_operation(const struct openapi *openapi, const char *id);

/* The number of operations, and the one at an index. */
size_t openapi_operation_count(const struct openapi *openapi);
const struct openapi_operation *openapi_operation_at(const struct openapi *openapi, size_t index);

/* The document as text, to be served. */
const char *openapi_yaml(const struct openapi *openapi, size_t *ret_len);
const char *openapi_json(const struct openapi *openapi, size_t *ret_len);

#endif
