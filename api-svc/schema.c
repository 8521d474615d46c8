#include "api-svc/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"

#define REFERENCE_HOPS_MAX 16
#define POINTER_PART_MAX 128 /* bytes of one part of a $ref */

static const char *const type_names[SCHEMA_TYPE_COUNT] = {
	[SCHEMA_ANY] = "any value",   [SCHEMA_OBJECT] = "object",   [SCHEMA_ARRAY] = "array",
	[SCHEMA_STRING] = "string",   [SCHEMA_INTEGER] = "integer", [SCHEMA_NUMBER] = "number",
	[SCHEMA_BOOLEAN] = "boolean",
};

static bool is_date_time(const char *text)
{
	int64_t ms;

	return clock_parse_rfc3339(text, &ms);
}

static const struct schema_format formats[] = {
	{ .name = "int32", .minimum = INT32_MIN, .maximum = INT32_MAX, .form = "must fit into 32 bits" },
	{ .name = "int64", .minimum = -0x1p63, .maximum = 0x1p63, .form = "must fit into 64 bits" },
	{ .name = "date-time", .valid_text = is_date_time, .form = "must be a time as RFC 3339 writes it" },
	{ .name = "uri-reference" }, /* a word for readers */
};

/* One schema of the set, found again by the node that it was made from. */
struct entry {
	struct schema schema;
	const cJSON *node;
	bool complete; /* false while its keywords are being read: to come here again is a circle */
	struct entry *next;
};

struct schema_set {
	const cJSON *document;
	struct entry *entries;
};

const char *schema_type_name(enum schema_type type)
{
	return type_names[type];
}

/* ---- references ---- */

/* The member or element of `node` that the part names; the part is still escaped (RFC 6901). */
static const cJSON *step_into(const cJSON *node, const char *part, size_t len)
{
	char name[POINTER_PART_MAX];
	size_t used = 0;
	int64_t index;

	for (size_t i = 0; i < len && used + 1 < sizeof(name); i++) {
		char c = part[i];

		if (c == '~' && i + 1 < len && (part[i + 1] == '0' || part[i + 1] == '1'))
			c = part[++i] == '0' ? '~' : '/';
		name[used++] = c;
	}
	name[used] = '\0';
	if (cJSON_IsArray(node))
		return str_parse_int64(name, &index) && index >= 0 && index < INT32_MAX
			       ? cJSON_GetArrayItem(node, (int)index)
			       : NULL;
	return json_get(node, name);
}

static const cJSON *look_up(const cJSON *document, const char *reference)
{
	const cJSON *node = document;

	if (!str_has_prefix(reference, "#/"))
		return NULL;
	reference += 2;
	while (node) {
		size_t len = strcspn(reference, "/");

		node = step_into(node, reference, len);
		if (reference[len] == '\0')
			break;
		reference += len + 1;
	}
	return node;
}

const cJSON *schema_resolve(const cJSON *document, const cJSON *node)
{
	for (int hops = 0; node && hops < REFERENCE_HOPS_MAX; hops++) {
		const char *reference = json_string_at(node, "$ref");

		if (!reference)
			return node;
		node = look_up(document, reference);
	}
	return NULL;
}

/* ---- keywords ---- */

/* What a keyword's reader needs to know. */
struct reading {
	struct schema_set *set;
	struct schema *schema;
	const char *keyword;
	const cJSON *value;
};

static enum rc wrong_shape(const struct reading *r, struct error *err)
{
	return error_set(err, RC_INVALID_ARGUMENT, "the value of '%s' has the wrong form", r->keyword);
}

static enum rc read_type(struct reading *r, struct error *err)
{
	const char *name = cJSON_GetStringValue(r->value);

	for (int type = SCHEMA_OBJECT; name && type < SCHEMA_TYPE_COUNT; type++) {
		if (strcmp(name, type_names[type]) == 0) {
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
	return error_set(err, RC_INVALID_ARGUMENT, "the format '%s' is not known", name ? name : "");
}

static enum rc read_flag(struct reading *r, bool *flag, struct error *err)
{
	if (!cJSON_IsBool(r->value))
		return wrong_shape(r, err);
	*flag = cJSON_IsTrue(r->value);
	return RC_OK;
}

static enum rc read_nullable(struct reading *r, struct error *err)
{
	return read_flag(r, &r->schema->nullable, err);
}

static enum rc read_read_only(struct reading *r, struct error *err)
{
	return read_flag(r, &r->schema->read_only, err);
}

static enum rc read_unique_items(struct reading *r, struct error *err)
{
	return read_flag(r, &r->schema->unique_items, err);
}

static enum rc read_exclusive_minimum(struct reading *r, struct error *err)
{
	return read_flag(r, &r->schema->exclusive_minimum, err);
}

static enum rc read_exclusive_maximum(struct reading *r, struct error *err)
{
	return read_flag(r, &r->schema->exclusive_maximum, err);
}

static enum rc read_enum(struct reading *r, struct error *err)
{
	if (!cJSON_IsArray(r->value) || cJSON_GetArraySize(r->value) == 0)
		return wrong_shape(r, err);
	r->schema->enumeration = r->value;
	return RC_OK;
}

static enum rc read_limit(struct reading *r, bool *has, double *limit, struct error *err)
{
	if (!cJSON_IsNumber(r->value))
		return wrong_shape(r, err);
	*has = true;
	*limit = r->value->valuedouble;
	return RC_OK;
}

static enum rc read_minimum(struct reading *r, struct error *err)
{
	return read_limit(r, &r->schema->has_minimum, &r->schema->minimum, err);
}

static enum rc read_maximum(struct reading *r, struct error *err)
{
	return read_limit(r, &r->schema->has_maximum, &r->schema->maximum, err);
}

static enum rc read_size(struct reading *r, size_t *size, struct error *err)
{
	int64_t value;

	if (!json_is_int(r->value, &value) || value < 0)
		return wrong_shape(r, err);
	*size = (size_t)value;
	return RC_OK;
}

static enum rc read_min_length(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->min_length, err);
}

static enum rc read_max_length(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->max_length, err);
}

static enum rc read_min_items(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->min_items, err);
}

static enum rc read_max_items(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->max_items, err);
}

static enum rc read_min_properties(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->min_properties, err);
}

static enum rc read_max_properties(struct reading *r, struct error *err)
{
	return read_size(r, &r->schema->max_properties, err);
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

static enum rc read_items(struct reading *r, struct error *err)
{
	return schema_compile(r->set, r->value, &r->schema->items, err);
}

static enum rc read_not(struct reading *r, struct error *err)
{
	return schema_compile(r->set, r->value, &r->schema->not_schema, err);
}

static enum rc read_list(struct reading *r, struct schema_list *list, struct error *err)
{
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

static enum rc read_all_of(struct reading *r, struct error *err)
{
	return read_list(r, &r->schema->all_of, err);
}

static enum rc read_any_of(struct reading *r, struct error *err)
{
	return read_list(r, &r->schema->any_of, err);
}

static enum rc read_one_of(struct reading *r, struct error *err)
{
	return read_list(r, &r->schema->one_of, err);
}

/* Every keyword that a schema may use; NULL: it says nothing that could be checked. "x-..." is allowed besides. */
static const struct keyword {
	const char *name;
	enum rc (*read)(struct reading *r, struct error *err);
} keywords[] = {
	{ "type", read_type },
	{ "format", read_format },
	{ "nullable", read_nullable },
	{ "readOnly", read_read_only },
	{ "enum", read_enum },
	{ "minimum", read_minimum },
	{ "maximum", read_maximum },
	{ "exclusiveMinimum", read_exclusive_minimum },
	{ "exclusiveMaximum", read_exclusive_maximum },
	{ "minLength", read_min_length },
	{ "maxLength", read_max_length },
	{ "minItems", read_min_items },
	{ "maxItems", read_max_items },
	{ "minProperties", read_min_properties },
	{ "maxProperties", read_max_properties },
	{ "uniqueItems", read_unique_items },
	{ "pattern", read_pattern },
	{ "x-must-be", read_must_be },
	{ "required", read_required },
	{ "properties", read_properties },
	{ "additionalProperties", read_additional_properties },
	{ "items", read_items },
	{ "not", read_not },
	{ "allOf", read_all_of },
	{ "anyOf", read_any_of },
	{ "oneOf", read_one_of },
	{ "title", NULL },
	{ "description", NULL },
	{ "default", NULL },
	{ "example", NULL },
	{ "deprecated", NULL },
};

static enum rc read_keyword(struct schema_set *set, struct schema *schema, const cJSON *value, struct error *err)
{
	struct reading r = { .set = set, .schema = schema, .keyword = value->string, .value = value };

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (strcmp(keywords[i].name, value->string) == 0)
			return keywords[i].read ? keywords[i].read(&r, err) : RC_OK;
	if (str_has_prefix(value->string, "x-"))
		return RC_OK;
	return error_set(err, RC_INVALID_ARGUMENT, "the schema keyword '%s' is not known to the validator",
			 value->string);
}

/* ---- the set ---- */

struct schema_set *schema_set_create(const cJSON *document)
{
	struct schema_set *set = calloc(1, sizeof(*set));

	if (set)
		set->document = document;
	return set;
}

static void schema_clear(struct schema *s)
{
	if (s->has_pattern)
		regfree(&s->pattern);
	free(s->properties);
	free(s->all_of.items);
	free(s->any_of.items);
	free(s->one_of.items);
}

void schema_set_destroy(struct schema_set *set)
{
	struct entry *next;

	if (!set)
		return;
	for (struct entry *entry = set->entries; entry; entry = next) {
		next = entry->next;
		schema_clear(&entry->schema);
		free(entry);
	}
	free(set);
}

static struct entry *find_entry(struct schema_set *set, const cJSON *node)
{
	struct entry *entry = set->entries;

	while (entry && entry->node != node)
		entry = entry->next;
	return entry;
}

static struct entry *add_entry(struct schema_set *set, const cJSON *node)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->node = node;
	entry->schema.max_length = SIZE_MAX;
	entry->schema.max_items = SIZE_MAX;
	entry->schema.max_properties = SIZE_MAX;
	entry->next = set->entries;
	set->entries = entry;
	return entry;
}

enum rc schema_compile(struct schema_set *set, const cJSON *node, const struct schema **ret_schema, struct error *err)
{
	const char *reference = json_string_at(node, "$ref");
	const cJSON *keyword = NULL;
	struct entry *entry;

	node = schema_resolve(set->document, node);
	if (!cJSON_IsObject(node))
		return error_set(err, RC_INVALID_ARGUMENT, "'%s' does not lead to a schema",
				 reference ? reference : "a schema's place");
	entry = find_entry(set, node);
	if (entry && !entry->complete)
		return error_set(err, RC_INVALID_ARGUMENT, "'%s' contains itself", reference ? reference : "a schema");
	if (entry) {
		*ret_schema = &entry->schema;
		return RC_OK;
	}
	entry = add_entry(set, node);
	if (!entry)
		return error_no_memory(err);
	cJSON_ArrayForEach (keyword, node) {
		enum rc rc = read_keyword(set, &entry->schema, keyword, err);

		if (rc)
			return reference ? error_wrap(err, rc, "%s", reference) : rc;
	}
	entry->complete = true;
	*ret_schema = &entry->schema;
	return RC_OK;
}
