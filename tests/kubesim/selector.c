#include "tests/kubesim/selector.h"

#include <ctype.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "tests/kubesim/kinds.h"

#define KEY_MAX 320 /* bytes with the NUL; the limit of label keys */

/* The subject of the requirements; a selector is parsed for each object, so that nothing is stored. */
struct subject {
	const struct sim_object *object; /* NULL: check the syntax only */
	const struct sim_kind *kind;     /* of the fields */
	bool by_field;                   /* else by label */
	cJSON *tree;                     /* of the object; parsed on first use */
};

static const struct operation {
	const char *text;
	bool negated;
	bool set;
} operations[] = {
	{ "==", false, false },  { "=", false, false }, { "!=", true, false },
	{ "notin", true, true }, { "in", false, true },
};

/* ---- values ------------------------------------------------------------------------------------------------------ */

static const char *field_of(struct subject *s, const char *path)
{
	const char *value;

	if (str_equal(path, "metadata.name"))
		return s->object->name;
	if (str_equal(path, "metadata.namespace"))
		return s->object->ns;
	if (!s->tree)
		s->tree = sim_object_tree(s->object);
	value = json_string_at(s->tree, path);
	return value ? value : "";
}

/* The value of the label or field; NULL: none. */
static const char *value_of(struct subject *s, const char *key)
{
	if (!s->object)
		return NULL;
	return s->by_field ? field_of(s, key) : sim_object_label(s->object, key);
}

/* Whether it is a valid label key, or a field supported by selectors of this kind. */
static bool is_key(const struct subject *s, const char *key)
{
	const char *const *field = s->kind ? s->kind->fields : NULL;

	if (!s->by_field)
		return label_key_fault(key) == NULL;
	while (field && *field && !str_equal(*field, key))
		field++;
	return (field && *field) || str_equal(key, "metadata.name") || str_equal(key, "metadata.namespace");
}

static bool is_value(const struct subject *s, const char *word, size_t len)
{
	char value[KEY_MAX];

	snprintf(value, sizeof(value), "%.*s", (int)len, word);
	return s->by_field || label_value_fault(value) == NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void skip_space(const char **at)
{
	while (isspace((unsigned char)**at))
		++*at;
}

/* Consume `text` if it is next. */
static bool take(const char **at, const char *text)
{
	bool there;

	skip_space(at);
	there = str_has_prefix(*at, text);
	*at += there ? strlen(text) : 0;
	return there;
}

/* The next word, which may be empty. */
static const char *take_word(const char **at, size_t *ret_len)
{
	const char *word;

	skip_space(at);
	word = *at;
	*ret_len = strcspn(word, " \t=!(),<>");
	*at += *ret_len;
	return word;
}

/* NULL: none. */
static const struct operation *take_operation(const char **at)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (take(at, operations[i].text))
			return &operations[i];
	return NULL;
}

/* One value, or "(a, b)". Returns false if invalid. */
static bool take_values(const char **at, bool set, const struct subject *s, const char *value, bool *ret_found)
{
	const char *word;
	size_t len;

	if (set && !take(at, "("))
		return false;
	do {
		word = take_word(at, &len);
		if (!s->object && !is_value(s, word, len))
			return false;
		*ret_found |= value && strlen(value) == len && strncmp(value, word, len) == 0;
	} while (set && take(at, ","));
	return !set || take(at, ")");
}

/* Parse and evaluate one requirement. Returns false if invalid. */
static bool take_requirement(const char **at, struct subject *s, bool *ret_holds)
{
	bool must_be_absent = take(at, "!");
	size_t len;
	const char *word = take_word(at, &len);
	const struct operation *operation = must_be_absent ? NULL : take_operation(at);
	char key[KEY_MAX];
	const char *value;
	bool found = false;

	snprintf(key, sizeof(key), "%.*s", (int)len, word);
	value = value_of(s, key);
	if (!s->object && (!is_key(s, key) || (s->by_field && (!operation || operation->set))))
		return false;
	if (operation && !take_values(at, operation->set, s, value, &found))
		return false;
	*ret_holds = operation ? found != operation->negated : (value != NULL) != must_be_absent;
	skip_space(at);
	return **at == '\0' || **at == ',';
}

/* All requirements of a text. Returns false if invalid. */
static bool read_all(const char *text, struct subject *s, bool *ret_hold)
{
	bool readable = true;
	bool holds = true;

	*ret_hold = true;
	if (!text || !*text)
		return true;
	do {
		readable = take_requirement(&text, s, &holds);
		*ret_hold = *ret_hold && holds;
	} while (readable && take(&text, ","));
	return readable;
}

enum rc sim_selector_of(const struct sim_request *request, const struct sim_kind *kind,
			struct sim_selector *ret_selector, struct error *err)
{
	struct sim_selector selector = { .labels = sim_request_query(request, "labelSelector"),
					 .fields = sim_request_query(request, "fieldSelector") };
	struct subject label_syntax = { 0 };
	struct subject field_syntax = { .by_field = true, .kind = kind };
	bool hold;

	if (selector.labels && strpbrk(selector.labels, "<>"))
		return error_set(err, RC_UNSUPPORTED, "labels that are compared as numbers");
	if (!read_all(selector.labels, &label_syntax, &hold) || !read_all(selector.fields, &field_syntax, &hold))
		return error_set(err, RC_INVALID_ARGUMENT, "unable to parse requirement: '%.100s', '%.100s'",
				 selector.labels ? selector.labels : "", selector.fields ? selector.fields : "");
	*ret_selector = selector;
	return RC_OK;
}

bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object)
{
	struct subject by_label = { .object = object };
	struct subject by_field = { .object = object, .by_field = true };
	bool labels = true;
	bool fields = true;

	if (selector) {
		(void)read_all(selector->labels, &by_label, &labels); /* both were parsed before */
		(void)read_all(selector->fields, &by_field, &fields);
	}
	cJSON_Delete(by_field.tree);
	return labels && fields;
}
