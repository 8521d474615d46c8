#include "api-svc/document/schema_keywords.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"

static bool is_date_time(const char *text)
{
	int64_t ms;

	return clock_parse_rfc3339(text, &ms);
}

static const struct schema_format formats[] = {
	{ .name = "int32", .minimum = INT32_MIN, .maximum = INT32_MAX, .form = "must fit into 32 bits" },
	{ .name = "int64", .minimum = -0x1p63, .maximum = 0x1p63, .form = "must fit into 64 bits" },
	{ .name = "date-time", .valid_text = is_date_time, .form = "must be an RFC 3339 time" },
	{ .name = "uri-reference" }, /* informational */
};

/* The context of a keyword's reader. */
struct reading {
	struct schema_set *set;
	struct schema *schema;
	const char *keyword;
	const cJSON *value;
	void *into; /* the member of the schema for the keyword */
};

static enum rc wrong_shape(const struct reading *r, struct error *err)
{
	return error_set(err, RC_INVALID_ARGUMENT, "malformed value of '%s'", r->keyword);
}

static enum rc read_type(struct reading *r, struct error *err)
{
	const char *name = cJSON_GetStringValue(r->value);

	for (int type = SCHEMA_OBJECT; name && type < SCHEMA_TYPE_COUNT; type++) {
		if (strcmp(name, schema_type_name((enum schema_type)type)) == 0) {
			r->schema->type = (enum schema_type)type;
			return RC_OK;
		}
	}
	return wrong_shape(r, err);
}

static enum rc read_format(struct reading *r, struct error *err)
{
	const char *name = cJSON_GetStringValue(r->value);

	for (size_t i = 0; name && i < ARRAY_LEN(formats); i++) {
		if (strcmp(name, formats[i].name) == 0) {
			r->schema->format = &formats[i];
			return RC_OK;
		}
	}
	return error_set(err, RC_INVALID_ARGUMENT, "unknown format '%s'", name ? name : "");
}

static enum rc read_flag(struct reading *r, struct error *err)
{
	bool *flag = r->into;

	if (!cJSON_IsBool(r->value))
		return wrong_shape(r, err);
	*flag = cJSON_IsTrue(r->value);
	return RC_OK;
}

static enum rc read_default(struct reading *r, struct error *err unused)
{
	r->schema->otherwise = r->value;
	return RC_OK;
}

static enum rc read_enum(struct reading *r, struct error *err)
{
	if (!cJSON_IsArray(r->value) || cJSON_GetArraySize(r->value) == 0)
		return wrong_shape(r, err);
	r->schema->enumeration = r->value;
	return RC_OK;
}

static enum rc read_limit(struct reading *r, struct error *err)
{
	double *limit = r->into;

	if (!cJSON_IsNumber(r->value))
		return wrong_shape(r, err);
	*limit = r->value->valuedouble;
	return RC_OK;
}

static enum rc read_size(struct reading *r, struct error *err)
{
	size_t *size = r->into;
	int64_t value;

	if (!json_is_int(r->value, &value) || value < 0)
		return wrong_shape(r, err);
	*size = (size_t)value;
	return RC_OK;
}

static enum rc read_pattern(struct reading *r, struct error *err)
{
	const char *text = cJSON_GetStringValue(r->value);

	if (!text)
		return wrong_shape(r, err);
	if (regcomp(&r->schema->pattern, text, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, RC_INVALID_ARGUMENT, "the pattern '%s' cannot be compiled", text);
	r->schema->has_pattern = true;
	r->schema->pattern_text = text;
	return RC_OK;
}

static enum rc read_must_be(struct reading *r, struct error *err)
{
	r->schema->must_be = cJSON_GetStringValue(r->value);
	return r->schema->must_be ? RC_OK : wrong_shape(r, err);
}

static enum rc read_required(struct reading *r, struct error *err)
{
	const cJSON *name = NULL;

	if (!cJSON_IsArray(r->value))
		return wrong_shape(r, err);
	cJSON_ArrayForEach (name, r->value)
		if (!cJSON_IsString(name))
			return wrong_shape(r, err);
	r->schema->required = r->value;
	return RC_OK;
}

static enum rc read_properties(struct reading *r, struct error *err)
{
	struct schema *s = r->schema;
	const cJSON *node = NULL;

	if (!cJSON_IsObject(r->value))
		return wrong_shape(r, err);
	s->properties = calloc((size_t)cJSON_GetArraySize(r->value) + 1, sizeof(*s->properties));
	if (!s->properties)
		return error_no_memory(err);
	cJSON_ArrayForEach (node, r->value) {
		struct schema_property *property = &s->properties[s->property_count];
		enum rc rc = schema_compile(r->set, node, &property->schema, err);

		if (rc)
			return error_wrap(err, rc, "property '%s'", node->string);
		property->name = node->string;
		s->property_count++;
	}
	return RC_OK;
}

static enum rc read_additional_properties(struct reading *r, struct error *err)
{
	if (cJSON_IsBool(r->value)) {
		r->schema->additional = cJSON_IsTrue(r->value) ? SCHEMA_ADDITIONAL_KEPT : SCHEMA_ADDITIONAL_REFUSED;
		return RC_OK;
	}
	r->schema->additional = SCHEMA_ADDITIONAL_KEPT;
	return schema_compile(r->set, r->value, &r->schema->additional_schema, err);
}

static enum rc read_schema(struct reading *r, struct error *err)
{
	return schema_compile(r->set, r->value, r->into, err);
}

static enum rc read_schemas(struct reading *r, struct error *err)
{
	struct schema_list *list = r->into;
	const cJSON *node = NULL;

	if (!cJSON_IsArray(r->value) || cJSON_GetArraySize(r->value) == 0)
		return wrong_shape(r, err);
	list->items = calloc((size_t)cJSON_GetArraySize(r->value), sizeof(*list->items));
	if (!list->items)
		return error_no_memory(err);
	cJSON_ArrayForEach (node, r->value) {
		enum rc rc = schema_compile(r->set, node, &list->items[list->count], err);

		if (rc)
			return error_wrap(err, rc, "%s[%zu]", r->keyword, list->count);
		list->count++;
	}
	return RC_OK;
}

#define INTO(member) offsetof(struct schema, member)

/* All supported keywords; NULL: no constraint. "x-..." is also allowed. */
static const struct keyword {
	const char *name;
	enum rc (*read)(struct reading *r, struct error *err);
	size_t into; /* the member for the readers of flags, limits, sizes and schemas */
} keywords[] = {
	{ "type", read_type, 0 },
	{ "format", read_format, 0 },
	{ "nullable", read_flag, INTO(nullable) },
	{ "readOnly", read_flag, INTO(read_only) },
	{ "enum", read_enum, 0 },
	{ "minimum", read_limit, INTO(minimum) },
	{ "maximum", read_limit, INTO(maximum) },
	{ "exclusiveMinimum", read_flag, INTO(exclusive_minimum) },
	{ "exclusiveMaximum", read_flag, INTO(exclusive_maximum) },
	{ "minLength", read_size, INTO(min_length) },
	{ "maxLength", read_size, INTO(max_length) },
	{ "minItems", read_size, INTO(min_items) },
	{ "maxItems", read_size, INTO(max_items) },
	{ "minProperties", read_size, INTO(min_properties) },
	{ "maxProperties", read_size, INTO(max_properties) },
	{ "uniqueItems", read_flag, INTO(unique_items) },
	{ "pattern", read_pattern, 0 },
	{ "x-must-be", read_must_be, 0 },
	{ "required", read_required, 0 },
	{ "properties", read_properties, 0 },
	{ "additionalProperties", read_additional_properties, 0 },
	{ "items", read_schema, INTO(items) },
	{ "not", read_schema, INTO(not_schema) },
	{ "allOf", read_schemas, INTO(all_of) },
	{ "anyOf", read_schemas, INTO(any_of) },
	{ "oneOf", read_schemas, INTO(one_of) },
	{ "title", NULL, 0 },
	{ "description", NULL, 0 },
	{ "default", read_default, 0 },
	{ "example", NULL, 0 },
	{ "deprecated", NULL, 0 },
};

enum rc schema_keyword_read(struct schema_set *set, struct schema *schema, const cJSON *value, struct error *err)
{
	struct reading r = { .set = set, .schema = schema, .keyword = value->string, .value = value };

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strcmp(keywords[i].name, value->string) != 0)
			continue;
		r.into = (char *)schema + keywords[i].into;
		return keywords[i].read ? keywords[i].read(&r, err) : RC_OK;
	}
	if (str_has_prefix(value->string, "x-"))
		return RC_OK;
	return error_set(err, RC_INVALID_ARGUMENT, "the schema keyword '%s' is not known to the validator",
			 value->string);
}
