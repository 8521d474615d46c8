/*
 * The API document: embedded in the binary, parsed and checked at start, served as YAML and as JSON, and the source of
 * what a request must look like.
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
	const char *path;   /* as the document writes it: /api/v1alpha1/containers/{container_id} */
	const char *method; /* "get" */
	struct openapi_parameter *parameters;
	size_t parameter_count;
	bool body_required;
	const struct schema *body; /* of application/json; NULL: the operation has no body */
	bool takes_merge_patch;    /* the body may also be application/merge-patch+json (RFC 7396) */
	const cJSON *responses;    /* by status */
};

struct openapi;

/* The document that is part of this program: OpenAPI 3.0 in YAML. Not NUL-terminated. */
const char *openapi_embedded(size_t *ret_len);

/*
 * Read a document and check that everything in it is understood: each schema keyword (schema_compile), each reference,
 * each parameter, each operation's id.
 *
 * text  borrowed for the life of the result: openapi_yaml() returns it.
 * ret_openapi  owned by the caller (openapi_destroy).
 * Errors: RC_INVALID_ARGUMENT with the place and what is wrong there; RC_NO_MEMORY.
 */
enum rc openapi_load(const char *text, size_t len, struct openapi **ret_openapi, struct error *err) must_check;

/* Free it. NULL is allowed. */
void openapi_destroy(struct openapi *openapi);

/* The operation of that id; NULL when there is none. Belongs to the document. */
const struct openapi_operation *openapi_operation(const struct openapi *openapi, const char *id);

/* How many operations there are, and the one at an index. */
size_t openapi_operation_count(const struct openapi *openapi);
const struct openapi_operation *openapi_operation_at(const struct openapi *openapi, size_t index);

/* The document as text, to be served. */
const char *openapi_yaml(const struct openapi *openapi, size_t *ret_len);
const char *openapi_json(const struct openapi *openapi, size_t *ret_len);

#endif
