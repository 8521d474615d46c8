#include "api-svc/document/validator.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/document/faults.h"
#include "common/base/strutil.h"

#define POINTER_BYTES_MAX (1024 * 1024) /* keys may be as long as a body */

/* The state of a validation. */
struct check {
	struct buf pointer; /* the current location */
	struct faults *faults;
};

static void check_value(struct check *c, const struct schema *s, const cJSON *value);

static const char *here(const struct check *c)
{
	return c->pointer.data;
}

static bool is_of_type(enum schema_type type, const cJSON *value)
{
	switch (type) {
	case SCHEMA_OBJECT:
		return cJSON_IsObject(value);
	case SCHEMA_ARRAY:
		return cJSON_IsArray(value);
	case SCHEMA_STRING:
		return cJSON_IsString(value);
	case SCHEMA_INTEGER:
		return json_is_int(value, NULL);
	case SCHEMA_NUMBER:
		return cJSON_IsNumber(value);
	case SCHEMA_BOOLEAN:
		return cJSON_IsBool(value);
	case SCHEMA_ANY:
	case SCHEMA_TYPE_COUNT:
		break;
	}
	return true;
}

static const char *with_article(enum schema_type type)
{
	static const char *const texts[SCHEMA_TYPE_COUNT] = {
		[SCHEMA_ANY] = "any value",     [SCHEMA_OBJECT] = "an object",   [SCHEMA_ARRAY] = "an array",
		[SCHEMA_STRING] = "a string",   [SCHEMA_INTEGER] = "an integer", [SCHEMA_NUMBER] = "a number",
		[SCHEMA_BOOLEAN] = "a boolean",
	};

	return texts[type];
}

/* ---- enum ---- */

static void describe_choices(const cJSON *enumeration, struct buf *out)
{
	const cJSON *choice = NULL;
	struct json_writer w = json_writer_make(out);

	cJSON_ArrayForEach (choice, enumeration) {
		if (choice != enumeration->child)
			buf_add_str(out, ", ");
		w.comma = false;
		if (cJSON_IsString(choice))
			buf_add_str(out, choice->valuestring);
		else
			json_tree(&w, NULL, choice);
	}
}

static bool is_in_enum(const cJSON *enumeration, const cJSON *value)
{
	const cJSON *choice = NULL;

	cJSON_ArrayForEach (choice, enumeration)
		if (cJSON_Compare(choice, value, true))
			return true;
	return false;
}

static void check_enum(struct check *c, const struct schema *s, const cJSON *value)
{
	struct buf choices cleanup_buf = buf_make(FAULT_DETAIL_MAX);

	if (!s->enumeration || is_in_enum(s->enumeration, value))
		return;
	describe_choices(s->enumeration, &choices);
	if (cJSON_GetArraySize(s->enumeration) == 1)
		faults_add(c->faults, here(c), "must be '%s'", choices.data);
	else
		faults_add(c->faults, here(c), "must be one of: %s", choices.data);
}

/* ---- scalars ---- */

static void check_string(struct check *c, const struct schema *s, const char *text)
{
	size_t length = utf8_length(text);

	if (length < s->min_length)
		faults_add(c->faults, here(c), "must have at least %zu character%s", s->min_length,
			   s->min_length == 1 ? "" : "s");
	if (length > s->max_length)
		faults_add(c->faults, here(c), "must have at most %zu characters", s->max_length);
	else if (s->has_pattern && regexec(&s->pattern, text, 0, NULL, 0) != 0)
		faults_add(c->faults, here(c), s->must_be ? "must be %s" : "must match the pattern %s",
			   s->must_be ? s->must_be : s->pattern_text);
	if (s->format && s->format->valid_text && !s->format->valid_text(text))
		faults_add(c->faults, here(c), "%s", s->format->form);
}

static void check_number(struct check *c, const struct schema *s, double number)
{
	const struct schema_format *format = s->format;

	if (s->exclusive_minimum ? number <= s->minimum : number < s->minimum)
		faults_add(c->faults, here(c), "must be %s %.16g", s->exclusive_minimum ? "more than" : "at least",
			   s->minimum);
	if (s->exclusive_maximum ? number >= s->maximum : number > s->maximum)
		faults_add(c->faults, here(c), "must be %s %.16g", s->exclusive_maximum ? "less than" : "at most",
			   s->maximum);
	if (format && format->maximum > 0 && (number < format->minimum || number > format->maximum))
		faults_add(c->faults, here(c), "%s", format->form);
}

/* ---- arrays ---- */

static bool has_twins(const cJSON *array)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, array)
		for (const cJSON *other = item->next; other; other = other->next)
			if (cJSON_Compare(item, other, true))
				return true;
	return false;
}

static void check_array(struct check *c, const struct schema *s, const cJSON *array)
{
	size_t count = (size_t)cJSON_GetArraySize(array);
	const cJSON *item = NULL;
	size_t index = 0;

	if (count < s->min_items)
		faults_add(c->faults, here(c), "must have at least %zu element%s", s->min_items,
			   s->min_items == 1 ? "" : "s");
	if (count > s->max_items)
		faults_add(c->faults, here(c), "must have at most %zu elements", s->max_items);
	else if (s->unique_items && has_twins(array))
		faults_add(c->faults, here(c), "must not contain duplicate values");
	if (!s->items)
		return;
	cJSON_ArrayForEach (item, array) {
		size_t len = c->pointer.len;

		fault_pointer_add_index(&c->pointer, index++);
		check_value(c, s->items, item);
		buf_truncate(&c->pointer, len);
	}
}

/* ---- objects ---- */

static const struct schema *find_property(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->property_count; i++)
		if (strcmp(s->properties[i].name, name) == 0)
			return s->properties[i].schema;
	return NULL;
}

static bool is_ignored(const struct schema *property)
{
	return property && property->read_only;
}

static void check_required(struct check *c, const struct schema *s, const cJSON *object)
{
	const cJSON *name = NULL;

	cJSON_ArrayForEach (name, s->required) {
		size_t len = c->pointer.len;

		if (json_get(object, name->valuestring) || is_ignored(find_property(s, name->valuestring)))
			continue;
		fault_pointer_add_name(&c->pointer, name->valuestring);
		faults_add(c->faults, here(c), "is required");
		buf_truncate(&c->pointer, len);
	}
}

static void check_member(struct check *c, const struct schema *s, const cJSON *member)
{
	const struct schema *property = find_property(s, member->string);

	if (is_ignored(property))
		return;
	if (!property && s->additional == SCHEMA_ADDITIONAL_REFUSED)
		faults_add(c->faults, here(c), "is not known");
	if (!property)
		property = s->additional_schema;
	if (property)
		check_value(c, property, member);
}

static void check_object(struct check *c, const struct schema *s, const cJSON *object)
{
	size_t count = (size_t)cJSON_GetArraySize(object);
	const cJSON *member = NULL;

	if (count < s->min_properties)
		faults_add(c->faults, here(c), "must have at least %zu members", s->min_properties);
	if (count > s->max_properties)
		faults_add(c->faults, here(c), "must have at most %zu members", s->max_properties);
	check_required(c, s, object);
	cJSON_ArrayForEach (member, object) {
		size_t len = c->pointer.len;

		fault_pointer_add_name(&c->pointer, member->string);
		check_member(c, s, member);
		buf_truncate(&c->pointer, len);
	}
}

/* ---- combinations ---- */

static bool obeys(const struct schema *s, const cJSON *value)
{
	struct faults faults cleanup_faults = { .count = 0 };

	validator_check(s, value, "", &faults);
	return !faults_any(&faults);
}

/* The alternative with the value's type; NULL if there is none, or several. */
static const struct schema *meant_alternative(const struct schema_list *list, const cJSON *value)
{
	const struct schema *meant = NULL;

	for (size_t i = 0; i < list->count; i++) {
		if (!is_of_type(list->items[i]->type, value))
			continue;
		if (meant)
			return NULL;
		meant = list->items[i];
	}
	return meant;
}

static void describe_types(const struct schema_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->count; i++)
		buf_addf(out, "%s%s", i ? " or " : "", with_article(list->items[i]->type));
}

/* No alternative matches: report the errors of the one with the right type, or list the alternatives. */
static void add_alternative_faults(struct check *c, const struct schema_list *list, const cJSON *value)
{
	struct buf types cleanup_buf = buf_make(FAULT_DETAIL_MAX);
	const struct schema *meant = meant_alternative(list, value);

	if (meant) {
		check_value(c, meant, value);
		return;
	}
	describe_types(list, &types);
	faults_add(c->faults, here(c), "must be %s of one of the forms in the API document", types.data);
}

static size_t count_obeyed(const struct schema_list *list, const cJSON *value)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += obeys(list->items[i], value);
	return count;
}

static void check_combinations(struct check *c, const struct schema *s, const cJSON *value)
{
	size_t obeyed;

	for (size_t i = 0; i < s->all_of.count; i++)
		check_value(c, s->all_of.items[i], value);
	if (s->any_of.count > 0 && count_obeyed(&s->any_of, value) == 0)
		add_alternative_faults(c, &s->any_of, value);
	if (s->one_of.count > 0) {
		obeyed = count_obeyed(&s->one_of, value);
		if (obeyed == 0)
			add_alternative_faults(c, &s->one_of, value);
		else if (obeyed > 1)
			faults_add(c->faults, here(c),
				   "must match exactly one of the forms in the API document, and matches several");
	}
	if (s->not_schema && obeys(s->not_schema, value)) {
		if (s->not_schema->enumeration && cJSON_IsString(value))
			faults_add(c->faults, here(c), "must not be '%.100s', which is reserved", value->valuestring);
		else
			faults_add(c->faults, here(c), "has a forbidden value");
	}
}

static void check_value(struct check *c, const struct schema *s, const cJSON *value)
{
	if (cJSON_IsNull(value) && s->nullable)
		return;
	if (!is_of_type(s->type, value)) {
		faults_add(c->faults, here(c), "must be %s%s", with_article(s->type), s->nullable ? " or null" : "");
		return;
	}
	check_enum(c, s, value);
	if (cJSON_IsString(value))
		check_string(c, s, value->valuestring);
	else if (cJSON_IsNumber(value))
		check_number(c, s, value->valuedouble);
	else if (cJSON_IsArray(value))
		check_array(c, s, value);
	else if (cJSON_IsObject(value))
		check_object(c, s, value);
	check_combinations(c, s, value);
}

void validator_check(const struct schema *schema, const cJSON *value, const char *pointer, struct faults *faults)
{
	struct check c = { .pointer = buf_make(POINTER_BYTES_MAX), .faults = faults };

	buf_add_str(&c.pointer, pointer);
	check_value(&c, schema, value);
	if (c.pointer.failed == RC_NO_MEMORY)
		faults->no_memory = true;
	buf_clear(&c.pointer);
}
