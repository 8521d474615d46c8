#include "api-svc/request_body.h"

#include <string.h>

#include "api-svc/document/exact_numbers.h"
#include "api-svc/document/rules.h"
#include "api-svc/document/validator.h"
#include "common/services/json_check.h"

#define JSON_TYPE "application/json"
#define SPEC "spec"
#define SPEC_POINTER "/spec"

static bool is_type(const char *content_type, const char *type)
{
	size_t len = strlen(type);

	if (!content_type)
		return false;
	content_type += strspn(content_type, " \t");
	return strncasecmp(content_type, type, len) == 0 &&
	       (content_type[len] == '\0' || strchr("; \t", content_type[len]));
}

bool request_body_is_json(const char *content_type)
{
	return is_type(content_type, JSON_TYPE);
}

bool request_body_is_merge_patch(const char *content_type)
{
	return request_body_is_json(content_type) || is_type(content_type, "application/merge-patch+json");
}

static bool is_bare_spec(const cJSON *tree)
{
	return cJSON_IsObject(tree) && !json_get(tree, SPEC) && json_get(tree, "service_type");
}

/* {"spec": tree}; takes ownership of the tree, also on failure. */
static cJSON *wrap(cJSON *tree)
{
	cJSON *object = cJSON_CreateObject();

	if (object && cJSON_AddItemToObject(object, SPEC, tree))
		return object;
	cJSON_Delete(object);
	cJSON_Delete(tree);
	return NULL;
}

static cJSON *parse(const struct request_body_source *source, struct faults *faults)
{
	cJSON *tree = NULL;
	struct error err;
	enum rc rc;

	if (source->optional && source->len == 0)
		return NULL;
	if (!source->merge_patch && !request_body_is_json(source->content_type))
		faults_add(faults, "/header/Content-Type", "must be " JSON_TYPE);
	if (source->len == 0) {
		faults_add(faults, "", "the body is empty");
		return NULL;
	}
	rc = json_parse_strict(source->body, source->len, &tree, &err);
	if (rc == RC_NO_MEMORY)
		faults->no_memory = true;
	else if (rc)
		faults_add(faults, "", "the body is not valid JSON: %s", err.text);
	else
		exact_numbers_check(source->body, source->len, faults);
	return tree;
}

void request_body_read(const struct request_body_source *source, const struct schema *schema, struct faults *faults,
		       bool *ret_bare, cJSON **ret_tree)
{
	cJSON *tree = parse(source, faults);
	bool bare = source->may_be_bare && is_bare_spec(tree);
	struct error err;

	*ret_bare = bare;
	*ret_tree = NULL;
	if (!tree)
		return;
	if (source->merge_patch) {
		if (!cJSON_IsObject(tree)) /* it would replace the container (RFC 7396) */
			faults_add(faults, "", "must be an object");
		*ret_tree = tree;
		return;
	}
	if (bare && source->has_key) {
		/* The depth limit includes the added {"spec": ...}. */
		if (json_check(source->body, source->len, JSON_DEPTH_MAX - 1, &err))
			faults_add(faults, "", "the body is not valid JSON: %s", err.text);
		tree = wrap(tree);
		if (!tree) {
			faults->no_memory = true;
			return;
		}
	} else if (bare) {
		faults_add(faults, "", "a spec without {\"spec\": ...} requires the header Idempotency-Key");
	}
	validator_check(schema, tree, "", faults);
	rules_check(json_get(tree, SPEC), SPEC_POINTER, faults);
	if (bare && source->has_key)
		faults_strip_prefix(faults, SPEC_POINTER);
	*ret_tree = tree;
}
