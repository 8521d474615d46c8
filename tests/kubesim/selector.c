#include "tests/kubesim/selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

#define REQUIREMENTS_MAX 16
#define VALUES_MAX ((size_t)64 * 1024) /* bytes */

enum operation { IS_IN, IS_NOT_IN, EXISTS, DOES_NOT_EXIST };

/* One condition of a selector. No value contains a comma, so they stand in one text: ",a,b,". */
struct requirement {
	bool on_field; /* else on a label */
	enum operation operation;
	char *key;
	struct buf values;
};

struct sim_selector {
	struct requirement items[REQUIREMENTS_MAX];
	size_t count;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void skip_space(const char **at)
{
	while (isspace((unsigned char)**at))
		++*at;
}

/* The next word, of any length; *at goes behind it and the space that follows. */
static const char *take_word(const char **at, size_t *ret_len)
{
	const char *word;

	skip_space(at);
	word = *at;
	*ret_len = strcspn(word, " \t=!(),<>");
	*at += *ret_len;
	skip_space(at);
	return word;
}

/* Take `text` if it comes next. */
static bool take(const char **at, const char *text)
{
	bool there = str_has_prefix(*at, text);

	if (there)
		*at += strlen(text);
	return there;
}

static void take_value(const char **at, struct buf *values)
{
	size_t len;
	const char *word = take_word(at, &len);

	buf_add(values, word, len);
	buf_add_char(values, ',');
}

/* "(a, b)" behind in and notin. */
static bool take_set(const char **at, struct buf *values)
{
	if (!take(at, "("))
		return false;
	do {
		take_value(at, values);
	} while (take(at, ","));
	return take(at, ")");
}

static const struct {
	const char *name;
	enum operation operation;
	bool set;
} operators[] = {
	{ "==", IS_IN, false },       { "=", IS_IN, false }, { "!=", IS_NOT_IN, false },
	{ "notin", IS_NOT_IN, true }, { "in", IS_IN, true },
};

static bool take_operation(const char **at, struct requirement *r)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (!take(at, operators[i].name))
			continue;
		r->operation = operators[i].operation;
		skip_space(at);
		if (operators[i].set)
			return take_set(at, &r->values);
		take_value(at, &r->values);
		return true;
	}
	r->operation = EXISTS;
	return **at == '\0' || **at == ',';
}

static bool take_requirement(const char **at, struct requirement *r)
{
	size_t len;
	const char *key;
	bool negated;

	skip_space(at);
	negated = take(at, "!");
	key = take_word(at, &len);
	r->key = strndup(key, len);
	r->values = buf_make(VALUES_MAX);
	buf_add_char(&r->values, ',');
	r->operation = DOES_NOT_EXIST;
	if (len == 0 || (!negated && !take_operation(at, r)))
		return false;
	skip_space(at);
	return **at == '\0' || **at == ',';
}

static enum rc parse(struct sim_selector *s, const char *text, bool on_field, struct error *err)
{
	const char *at = text;

	if (!text || !*text)
		return RC_OK;
	do {
		if (s->count == REQUIREMENTS_MAX)
			return error_set(err, RC_INVALID_ARGUMENT, "more than %d requirements", REQUIREMENTS_MAX);
		s->items[s->count].on_field = on_field;
		if (!take_requirement(&at, &s->items[s->count++]))
			return error_set(err, RC_INVALID_ARGUMENT, "unable to parse requirement: found '%.100s'", at);
	} while (take(&at, ","));
	return RC_OK;
}

enum rc sim_selector_of(const struct sim_request *request, struct sim_selector **ret_selector, struct error *err)
{
	struct sim_selector *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (!s)
		return error_no_memory(err);
	rc = parse(s, sim_request_query(request, "labelSelector"), false, err);
	if (!rc)
		rc = parse(s, sim_request_query(request, "fieldSelector"), true, err);
	if (rc || s->count == 0) {
		sim_selector_destroy(s);
		s = NULL;
	}
	if (!rc)
		*ret_selector = s;
	return rc;
}

void sim_selector_destroy(struct sim_selector *selector)
{
	if (!selector)
		return;
	for (size_t i = 0; i < selector->count; i++) {
		free(selector->items[i].key);
		buf_clear(&selector->items[i].values);
	}
	free(selector);
}

/* ---- matching ---------------------------------------------------------------------------------------------------- */

static bool is_among(const struct requirement *r, const char *value)
{
	size_t len = strlen(value);

	for (const char *at = r->values.data; *at; at += strcspn(at, ",")) {
		at++; /* the comma before the value */
		if (strcspn(at, ",") == len && strncmp(at, value, len) == 0)
			return *at != '\0'; /* nothing stands behind the last comma */
	}
	return false;
}

static bool holds(const struct requirement *r, const char *value)
{
	switch (r->operation) {
	case IS_IN:
		return value && is_among(r, value);
	case IS_NOT_IN:
		return !value || !is_among(r, value);
	case EXISTS:
		return value != NULL;
	case DOES_NOT_EXIST:
		return value == NULL;
	}
	return false;
}

/* A field of the object as text; *tree is parsed when it is first needed. */
static const char *field_of(const struct sim_object *o, const char *path, cJSON **tree)
{
	const char *value;

	if (str_equal(path, "metadata.name"))
		return o->name;
	if (str_equal(path, "metadata.namespace"))
		return o->ns;
	if (!*tree)
		*tree = sim_object_tree(o);
	value = json_string_at(*tree, path);
	return value ? value : "";
}

bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object)
{
	cleanup_json cJSON *tree = NULL;

	for (size_t i = 0; selector && i < selector->count; i++) {
		const struct requirement *r = &selector->items[i];
		const char *value = r->on_field ? field_of(object, r->key, &tree) : sim_object_label(object, r->key);

		if (!holds(r, value))
			return false;
	}
	return true;
}
