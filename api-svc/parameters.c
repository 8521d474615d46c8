#include "api-svc/parameters.h"

#include <string.h>

#include "api-svc/document/faults.h"
#include "api-svc/document/validator.h"
#include "common/base/strutil.h"

static const char *const place_names[] = {
	[OPENAPI_IN_PATH] = "path",
	[OPENAPI_IN_QUERY] = "query",
	[OPENAPI_IN_HEADER] = "header",
};

static size_t count_in_query(const struct target *target, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < target->query_count; i++)
		count += strcmp(target->query[i].name, name) == 0;
	return count;
}

const char *parameters_query(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->query_count; i++)
		if (strcmp(target->query[i].name, name) == 0)
			return target->query[i].value;
	return NULL;
}

/* The document lists them in their order. */
static bool is_first_in_path(const struct openapi_operation *operation, const struct openapi_parameter *p)
{
	const struct openapi_parameter *first = operation->parameters;

	while (first < p && first->place != OPENAPI_IN_PATH)
		first++;
	return first == p;
}

static const char *find_value(const struct openapi_operation *operation, const struct openapi_parameter *p,
			      const struct parameters_source *source)
{
	switch (p->place) {
	case OPENAPI_IN_PATH:
		return is_first_in_path(operation, p) ? source->path_parameter : source->path_item;
	case OPENAPI_IN_QUERY:
		return parameters_query(source->target, p->name);
	case OPENAPI_IN_HEADER:
		return source->header(source->header_ctx, p->name);
	}
	return NULL;
}

/* Parse the text as an integer, if the schema requires it. */
static bool read_integer(const struct schema *schema, const char *text, int64_t *ret_number)
{
	const int64_t exact = (int64_t)JSON_EXACT_INT_MAX;

	if (schema->type != SCHEMA_INTEGER || !str_parse_int64(text, ret_number))
		return false;
	if (*ret_number > exact)
		*ret_number = exact;
	else if (*ret_number < -exact)
		*ret_number = -exact;
	return true;
}

static bool read_boolean(const struct schema *schema, const char *text, bool *ret_value)
{
	*ret_value = strcmp(text, "true") == 0;
	return schema->type == SCHEMA_BOOLEAN && (*ret_value || strcmp(text, "false") == 0);
}

static cJSON *make_value(const struct schema *schema, const char *text)
{
	int64_t number;
	bool truth;

	if (read_boolean(schema, text, &truth))
		return cJSON_CreateBool(truth);
	return read_integer(schema, text, &number) ? cJSON_CreateNumber((double)number) : cJSON_CreateString(text);
}

/* Lists are repeated parameters (OpenAPI: style form, explode). */
static cJSON *make_list(const struct schema *schema, const struct target *target, const char *name)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; list && i < target->query_count; i++) {
		if (strcmp(target->query[i].name, name) != 0)
			continue;
		if (!cJSON_AddItemToArray(list, make_value(schema->items, target->query[i].value))) {
			cJSON_Delete(list);
			return NULL;
		}
	}
	return list;
}

static void check_one(const struct openapi_operation *operation, const struct openapi_parameter *p,
		      const struct parameters_source *source, struct faults *faults)
{
	const char *text = find_value(operation, p, source);
	struct buf pointer cleanup_buf = buf_make(FAULT_POINTER_MAX);
	cleanup_json cJSON *value = NULL;
	bool is_list;

	fault_pointer_add_name(&pointer, place_names[p->place]);
	fault_pointer_add_name(&pointer, p->name);
	if (!text) {
		if (p->required)
			faults_add(faults, pointer.data, "is required");
		return;
	}
	is_list = p->place == OPENAPI_IN_QUERY && p->schema->type == SCHEMA_ARRAY;
	if (!is_list && p->place == OPENAPI_IN_QUERY && count_in_query(source->target, p->name) > 1)
		faults_add(faults, pointer.data, "occurs more than once");
	value = is_list ? make_list(p->schema, source->target, p->name) : make_value(p->schema, text);
	if (value)
		validator_check(p->schema, value, pointer.data, faults);
	else
		faults->no_memory = true;
}

void parameters_check(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct faults *faults)
{
	for (size_t i = 0; i < operation->parameter_count; i++)
		check_one(operation, &operation->parameters[i], source, faults);
}

static void write_one(const struct openapi_operation *operation, const struct openapi_parameter *p, const char *text,
		      struct json_writer *w)
{
	const char *name = p->place == OPENAPI_IN_PATH && is_first_in_path(operation, p) ? "id" : p->name;
	int64_t number;
	bool truth;

	if (!text && p->schema->otherwise)
		json_tree(w, name, p->schema->otherwise);
	else if (text && read_integer(p->schema, text, &number))
		json_int(w, name, number);
	else if (text && read_boolean(p->schema, text, &truth))
		json_bool(w, name, truth);
	else if (text)
		json_string(w, name, text);
}

void parameters_write(const struct openapi_operation *operation, const struct parameters_source *source,
		      struct json_writer *w)
{
	for (size_t i = 0; i < operation->parameter_count; i++) {
		const struct openapi_parameter *p = &operation->parameters[i];

		if (p->place != OPENAPI_IN_HEADER)
			write_one(operation, p, find_value(operation, p, source), w);
	}
}
