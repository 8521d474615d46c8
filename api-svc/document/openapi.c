#include "api-svc/document/openapi.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "common/services/yaml.h"

#define OPERATIONS_MAX 32
#define PARAMETERS_MAX 16             /* of one operation */
#define JSON_TEXT_MAX (1024u * 1024u) /* bytes of the document as JSON */
#define JSON_MEDIA_TYPE "application/json"
#define MERGE_PATCH_MEDIA_TYPE "application/merge-patch+json"

#ifndef OPENAPI_FILE /* test programs have an additional path: tests/streams/ */
#define OPENAPI_FILE "api-svc/openapi.yaml"
#endif

/* The Makefile declares the dependency on the file. */
__asm__(".section .rodata\n"
	".global openapi_embedded_begin\n"
	".global openapi_embedded_end\n"
	"openapi_embedded_begin:\n"
	".incbin \"" OPENAPI_FILE "\"\n"
	"openapi_embedded_end:\n"
	".byte 0\n"
	".previous\n");
extern const char openapi_embedded_begin[];
extern const char openapi_embedded_end[];

struct openapi {
	cJSON *tree;
	struct schema_set *schemas;
	struct openapi_operation operations[OPERATIONS_MAX];
	size_t operation_count;
	const char *yaml; /* borrowed */
	size_t yaml_len;
	struct buf json;
};

static const char *const methods[] = { "get", "head", "post", "put", "patch", "delete", "options", "trace" };

const char *openapi_embedded(size_t *ret_len)
{
	/* cppcheck-suppress comparePointers ; the assembler puts both around one text */
	*ret_len = (size_t)((uintptr_t)openapi_embedded_end - (uintptr_t)openapi_embedded_begin);
	return openapi_embedded_begin;
}

static const cJSON *resolve(const struct openapi *o, const cJSON *node)
{
	return schema_resolve(o->tree, node);
}

static enum rc refuse(struct error *err, const char *what)
{
	return error_set(err, RC_INVALID_ARGUMENT, "%s", what);
}

/* ---- parameters and bodies ---- */

static bool place_from_name(const char *name, enum openapi_place *ret_place)
{
	static const char *const names[] = {
		[OPENAPI_IN_PATH] = "path",
		[OPENAPI_IN_QUERY] = "query",
		[OPENAPI_IN_HEADER] = "header",
	};

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_place = (enum openapi_place)i;
			return true;
		}
	}
	return false;
}

static enum rc add_parameter(struct openapi *o, struct openapi_operation *op, const cJSON *node, struct error *err)
{
	struct openapi_parameter *parameter = &op->parameters[op->parameter_count];
	const cJSON *resolved = resolve(o, node);
	enum rc rc;

	parameter->name = json_string_at(resolved, "name");
	if (!parameter->name)
		return refuse(err, "a parameter has no name");
	if (!place_from_name(json_string_at(resolved, "in"), &parameter->place))
		return error_set(err, RC_INVALID_ARGUMENT, "the parameter '%s' has an unknown place", parameter->name);
	parameter->required = json_true_at(resolved, "required");
	rc = schema_compile(o->schemas, json_get(resolved, "schema"), &parameter->schema, err);
	if (rc)
		return error_wrap(err, rc, "the parameter '%s'", parameter->name);
	op->parameter_count++;
	return RC_OK;
}

/* nodes: the parameters of the operation or of its path; NULL: none. */
static enum rc add_parameters(struct openapi *o, struct openapi_operation *op, const cJSON *nodes, struct error *err)
{
	const cJSON *node = NULL;
	enum rc rc = RC_OK;

	cJSON_ArrayForEach (node, nodes) {
		if (op->parameter_count == PARAMETERS_MAX)
			return refuse(err, "an operation has too many parameters");
		rc = add_parameter(o, op, node, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* Compile every schema of a `content` object, to validate responses too; returns the one of JSON. */
static enum rc read_content(struct openapi *o, const cJSON *content, const struct schema **ret_json, struct error *err)
{
	const cJSON *media = NULL;

	cJSON_ArrayForEach (media, content) {
		const struct schema *schema = NULL;
		enum rc rc = schema_compile(o->schemas, json_get(media, "schema"), &schema, err);

		if (rc)
			return error_wrap(err, rc, "%s", media->string);
		if (ret_json && strcmp(media->string, JSON_MEDIA_TYPE) == 0)
			*ret_json = schema;
	}
	return RC_OK;
}

static enum rc read_response(struct openapi *o, const cJSON *node, struct error *err)
{
	const cJSON *response = resolve(o, node);
	const cJSON *header = NULL;
	const struct schema *schema;
	enum rc rc;

	if (!response)
		return refuse(err, "dangling reference");
	cJSON_ArrayForEach (header, json_get(response, "headers")) {
		rc = schema_compile(o->schemas, json_get(resolve(o, header), "schema"), &schema, err);
		if (rc)
			return error_wrap(err, rc, "the header '%s'", header->string);
	}
	return read_content(o, json_get(response, "content"), NULL, err);
}

static enum rc read_body(struct openapi *o, struct openapi_operation *op, const cJSON *node, struct error *err)
{
	const cJSON *body = resolve(o, node);
	enum rc rc;

	if (!node)
		return RC_OK;
	rc = read_content(o, json_get(body, "content"), &op->body, err);
	if (rc)
		return error_wrap(err, rc, "requestBody");
	if (!op->body)
		return refuse(err, "requestBody has no schema of " JSON_MEDIA_TYPE);
	op->body_required = json_true_at(body, "required");
	op->takes_merge_patch = json_get(json_get(body, "content"), MERGE_PATCH_MEDIA_TYPE);
	return RC_OK;
}

static enum rc read_operation(struct openapi *o, struct openapi_operation *op, const cJSON *path, const cJSON *node,
			      struct error *err)
{
	const cJSON *response = NULL;
	enum rc rc;

	op->id = json_string_at(node, "operationId");
	op->path = path->string;
	op->method = node->string;
	op->responses = json_get(node, "responses");
	op->parameters = calloc(PARAMETERS_MAX, sizeof(*op->parameters));
	if (!op->parameters)
		return error_no_memory(err);
	if (!op->id)
		return refuse(err, "missing operationId");
	if (openapi_operation(o, op->id))
		return error_set(err, RC_INVALID_ARGUMENT, "duplicate operationId '%s'", op->id);
	rc = add_parameters(o, op, json_get(path, "parameters"), err);
	if (!rc)
		rc = add_parameters(o, op, json_get(node, "parameters"), err);
	if (!rc)
		rc = read_body(o, op, json_get(node, "requestBody"), err);
	cJSON_ArrayForEach (response, op->responses) {
		if (rc)
			return rc;
		rc = read_response(o, response, err);
		if (rc)
			return error_wrap(err, rc, "response %s", response->string);
	}
	return rc;
}

static enum rc read_paths(struct openapi *o, struct error *err)
{
	const cJSON *path = NULL;

	cJSON_ArrayForEach (path, json_get(o->tree, "paths")) {
		for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
			const cJSON *node = json_get(path, methods[i]);
			enum rc rc;

			if (!node)
				continue;
			if (o->operation_count == OPERATIONS_MAX)
				return refuse(err, "the document has too many operations");
			rc = read_operation(o, &o->operations[o->operation_count], path, node, err);
			if (rc) /* the incomplete operation is freed with the rest */
				return error_wrap(err, rc, "%s %s", methods[i], path->string);
			o->operation_count++;
		}
	}
	return RC_OK;
}

static enum rc read_components(struct openapi *o, struct error *err)
{
	const cJSON *node = NULL;

	cJSON_ArrayForEach (node, json_at(o->tree, "components.schemas")) {
		const struct schema *schema;
		enum rc rc = schema_compile(o->schemas, node, &schema, err);

		if (rc)
			return error_wrap(err, rc, "components/schemas/%s", node->string);
	}
	return RC_OK;
}

/* ---- the document ---- */

static enum rc load(struct openapi *o, const char *text, size_t len, struct error *err)
{
	struct json_writer w = json_writer_make(&o->json);
	enum rc rc = yaml_parse(text, len, &o->tree, err);

	if (rc)
		return rc;
	if (!str_has_prefix(json_string_at(o->tree, "openapi") ? json_string_at(o->tree, "openapi") : "", "3.0."))
		return refuse(err, "it is not OpenAPI 3.0");
	o->schemas = schema_set_create(o->tree);
	if (!o->schemas)
		return error_no_memory(err);
	rc = read_components(o, err);
	if (!rc)
		rc = read_paths(o, err);
	if (rc)
		return rc;
	json_tree(&w, NULL, o->tree);
	return buf_check(&o->json, err);
}

enum rc openapi_load(const char *text, size_t len, struct openapi **ret_openapi, struct error *err)
{
	struct openapi *o = calloc(1, sizeof(*o));
	enum rc rc;

	if (!o)
		return error_no_memory(err);
	o->yaml = text;
	o->yaml_len = len;
	o->json = buf_make(JSON_TEXT_MAX);
	rc = load(o, text, len, err);
	if (rc) {
		openapi_destroy(o);
		return error_wrap(err, rc, "the API document");
	}
	*ret_openapi = o;
	return RC_OK;
}

void openapi_destroy(struct openapi *openapi)
{
	if (!openapi)
		return;
	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		free(openapi->operations[i].parameters);
	schema_set_destroy(openapi->schemas);
	cJSON_Delete(openapi->tree);
	buf_clear(&openapi->json);
	free(openapi);
}

const struct openapi_operation *openapi_operation(const struct openapi *openapi, const char *id)
{
	for (size_t i = 0; i < openapi->operation_count; i++)
		if (strcmp(openapi->operations[i].id, id) == 0)
			return &openapi->operations[i];
	return NULL;
}

size_t openapi_operation_count(const struct openapi *openapi)
{
	return openapi->operation_count;
}

const struct openapi_operation *openapi_operation_at(const struct openapi *openapi, size_t index)
{
	return &openapi->operations[index];
}

const char *openapi_yaml(const struct openapi *openapi, size_t *ret_len)
{
	*ret_len = openapi->yaml_len;
	return openapi->yaml;
}

const char *openapi_json(const struct openapi *openapi, size_t *ret_len)
{
	*ret_len = openapi->json.len;
	return openapi->json.data;
}
