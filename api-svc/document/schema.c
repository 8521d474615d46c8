#include "api-svc/document/schema.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/document/schema_keywords.h"
#include "common/base/strutil.h"

#define REFERENCE_HOPS_MAX 16
#define POINTER_PART_MAX 128 /* bytes of one part of a $ref */

static const char *const type_names[SCHEMA_TYPE_COUNT] = {
	[SCHEMA_ANY] = "any value",   [SCHEMA_OBJECT] = "object",   [SCHEMA_ARRAY] = "array",
	[SCHEMA_STRING] = "string",   [SCHEMA_INTEGER] = "integer", [SCHEMA_NUMBER] = "number",
	[SCHEMA_BOOLEAN] = "boolean",
};

/* A schema of the set, identified by its node. */
struct entry {
	struct schema schema;
	const cJSON *node;
	bool complete; /* false while its keywords are being read, to detect cycles */
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

/* The member or element of `node` for the part of the pointer, which is still escaped (RFC 6901). */
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
	entry->schema.minimum = -INFINITY;
	entry->schema.maximum = INFINITY;
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
		return error_set(err, RC_INVALID_ARGUMENT, "'%s' does not refer to a schema",
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
		enum rc rc = schema_keyword_read(set, &entry->schema, keyword, err);

		if (rc)
			return reference ? error_wrap(err, rc, "%s", reference) : rc;
	}
	entry->complete = true;
	*ret_schema = &entry->schema;
	return RC_OK;
}
