#include "tests/kubesim/selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/object.h"

enum operation { IS_IN, IS_NOT_IN, EXISTS, DOES_NOT_EXIST };

/* One condition of a selector. `values` holds NUL-terminated texts one behind the other, ended by an empty block. */
struct requirement {
	bool on_field; /* else on a label */
	char *key;
	enum operation operation;
	char **values;
	size_t value_count;
};

struct sim_selector {
	struct requirement *requirements;
	size_t count;
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

struct lexer {
	const char *at;
	struct error *err;
};

static bool is_word_byte(char c)
{
	return c != '\0' && !isspace((unsigned char)c) && !strchr("=!(),<>", c);
}

static void skip_space(struct lexer *l)
{
	while (isspace((unsigned char)*l->at))
		l->at++;
}

/* The next word, or the next operator; *ret is given to the caller, "" at the end. */
static enum rc next_token(struct lexer *l, char **ret)
{
	size_t len = 0;

	skip_space(l);
	while (is_word_byte(l->at[len]))
		len++;
	if (len == 0 && l->at[0] != '\0')
		len = (l->at[0] == '=' || l->at[0] == '!') && l->at[1] == '=' ? 2 : 1;
	*ret = strndup(l->at, len);
	l->at += len;
	return *ret ? RC_OK : error_no_memory(l->err);
}

static enum rc unexpected(struct lexer *l, const char *found, const char *expected)
{
	return error_set(l->err, RC_INVALID_ARGUMENT, "unable to parse requirement: found '%.100s', expected: %s",
			 found, expected);
}

/* The same between two requirements, where the API server says less. */
static enum rc misplaced(struct lexer *l, const char *found, const char *expected)
{
	return error_set(l->err, RC_INVALID_ARGUMENT, "found '%.100s', expected: %s", found, expected);
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static enum rc add_value(struct requirement *r, char *value, struct error *err)
{
	char **grown = realloc(r->values, (r->value_count + 1) * sizeof(char *));

	if (!grown || !value) {
		free(value);
		return error_no_memory(err);
	}
	r->values = grown;
	r->values[r->value_count++] = value;
	return RC_OK;
}

static enum rc add_requirement(struct sim_selector *s, struct requirement **ret, struct error *err)
{
	struct requirement *grown = realloc(s->requirements, (s->count + 1) * sizeof(*grown));

	if (!grown)
		return error_no_memory(err);
	s->requirements = grown;
	grown[s->count] = (struct requirement){ 0 };
	*ret = &grown[s->count++];
	return RC_OK;
}

void sim_selector_destroy(struct sim_selector *selector)
{
	if (!selector)
		return;
	for (size_t i = 0; i < selector->count; i++) {
		struct requirement *r = &selector->requirements[i];

		for (size_t k = 0; k < r->value_count; k++)
			free(r->values[k]);
		free(r->values);
		free(r->key);
	}
	free(selector->requirements);
	free(selector);
}

/* "(a, b)" behind in and notin. */
static enum rc parse_set(struct lexer *l, struct requirement *r)
{
	cleanup_free char *open = NULL;
	enum rc rc = next_token(l, &open);

	if (!rc && !str_equal(open, "("))
		return error_set(l->err, RC_INVALID_ARGUMENT,
				 "unable to parse requirement: found '%.100s' expected: '('", open);
	while (!rc) {
		char *value = NULL;
		cleanup_free char *behind = NULL;

		skip_space(l);
		if (*l->at == ',' || *l->at == ')')
			value = str_dup(""); /* an empty value stands between the commas */
		else
			rc = next_token(l, &value);
		if (!rc)
			rc = add_value(r, value, l->err);
		if (!rc)
			rc = next_token(l, &behind);
		if (rc || str_equal(behind, ")"))
			break;
		if (!str_equal(behind, ","))
			return unexpected(l, behind, "',', or ')'");
	}
	return rc;
}

/* The one value behind =, == and !=; it may be missing. */
static enum rc parse_value(struct lexer *l, struct requirement *r)
{
	char *value = NULL;
	enum rc rc;

	skip_space(l);
	if (*l->at != '\0' && *l->at != ',' && !is_word_byte(*l->at)) {
		char found[2] = { *l->at, '\0' };

		return unexpected(l, found, "identifier");
	}
	if (*l->at == ',')
		return add_value(r, str_dup(""), l->err);
	rc = next_token(l, &value);
	return rc ? rc : add_value(r, value, l->err);
}

static const struct {
	const char *name;
	enum operation operation;
	bool set;
} operators[] = {
	{ "=", IS_IN, false }, { "==", IS_IN, false },       { "!=", IS_NOT_IN, false },
	{ "in", IS_IN, true }, { "notin", IS_NOT_IN, true },
};

static enum rc parse_requirement(struct lexer *l, struct requirement *r)
{
	cleanup_free char *operation = NULL;
	enum rc rc = next_token(l, &r->key);

	if (!rc && str_equal(r->key, "!")) {
		free(TAKE(r->key));
		r->operation = DOES_NOT_EXIST;
		return next_token(l, &r->key);
	}
	if (!rc && !is_word_byte(r->key[0]))
		return misplaced(l, r->key, "!, identifier, or 'end of string'");
	r->operation = EXISTS;
	skip_space(l);
	if (rc || *l->at == '\0' || *l->at == ',')
		return rc;
	rc = next_token(l, &operation);
	for (size_t i = 0; !rc && i < ARRAY_LEN(operators); i++) {
		if (strcmp(operators[i].name, operation) != 0)
			continue;
		r->operation = operators[i].operation;
		return operators[i].set ? parse_set(l, r) : parse_value(l, r);
	}
	return rc ? rc : unexpected(l, operation, "in, notin, =, ==, !=, gt, lt");
}

static enum rc parse_labels(struct sim_selector *s, const char *text, struct error *err)
{
	struct lexer l = { .at = text, .err = err };
	enum rc rc = RC_OK;

	while (!rc && *l.at) {
		cleanup_free char *comma = NULL;
		struct requirement *r = NULL;

		rc = add_requirement(s, &r, err);
		if (!rc)
			rc = parse_requirement(&l, r);
		if (!rc)
			rc = next_token(&l, &comma);
		if (!rc && *comma && !str_equal(comma, ","))
			return misplaced(&l, comma, "',' or 'end of string'");
		skip_space(&l);
		if (!rc && *comma && *l.at == ',')
			return misplaced(&l, ",", "identifier after ','");
	}
	return rc;
}

/* Is the field one that this kind can be selected by? */
static bool field_known(const struct sim_kind *kind, const char *field)
{
	if (str_equal(field, "metadata.name") || (kind->namespaced && str_equal(field, "metadata.namespace")))
		return true;
	for (const char *const *known = kind->fields; known && *known; known++)
		if (str_equal(*known, field))
			return true;
	return false;
}

static enum rc parse_fields(struct sim_selector *s, const struct sim_kind *kind, const char *text, struct error *err)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		size_t key_len = strcspn(text, "=!");
		struct requirement *r = NULL;
		enum rc rc;

		if (key_len >= len || (text[key_len] == '!' && text[key_len + 1] != '='))
			return error_set(err, RC_INVALID_ARGUMENT,
					 "invalid selector: '%.200s'; can't understand '%.*s'", text, (int)len, text);
		rc = add_requirement(s, &r, err);
		if (rc)
			return rc;
		r->on_field = true;
		r->operation = text[key_len] == '!' ? IS_NOT_IN : IS_IN;
		r->key = strndup(text, key_len);
		key_len += text[key_len + 1] == '=' ? 2 : 1;
		rc = add_value(r, strndup(text + key_len, len - key_len), err);
		if (rc || !r->key)
			return error_no_memory(err);
		if (!field_known(kind, r->key))
			return error_set(err, RC_INVALID_ARGUMENT, "field label not supported: %.200s", r->key);
		text += len + (text[len] == ',');
	}
	return RC_OK;
}

enum rc sim_selector_parse(const struct sim_kind *kind, const char *labels, const char *fields,
			   struct sim_selector **ret_selector, struct error *err)
{
	struct sim_selector *s;
	enum rc rc = RC_OK;

	if ((!labels || !*labels) && (!fields || !*fields)) {
		*ret_selector = NULL;
		return RC_OK;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_no_memory(err);
	if (labels)
		rc = parse_labels(s, labels, err);
	if (!rc && fields)
		rc = parse_fields(s, kind, fields, err);
	if (rc) {
		sim_selector_destroy(s);
		return rc;
	}
	*ret_selector = s;
	return RC_OK;
}

/* ---- matching ---------------------------------------------------------------------------------------------------- */

static bool requirement_holds(const struct requirement *r, const char *value)
{
	bool among = false;

	for (size_t i = 0; value && i < r->value_count; i++)
		among = among || strcmp(r->values[i], value) == 0;
	switch (r->operation) {
	case IS_IN:
		return among;
	case IS_NOT_IN:
		return !among;
	case EXISTS:
		return value != NULL;
	case DOES_NOT_EXIST:
		return value == NULL;
	}
	return false;
}

/* A field of the object as text; *tree is parsed when it is first needed. */
static const char *field_value(const struct sim_object *o, const char *path, cJSON **tree, char *ns, size_t ns_size)
{
	const char *value;

	if (strcmp(path, "metadata.name") == 0)
		return o->name;
	if (strcmp(path, "metadata.namespace") == 0) {
		snprintf(ns, ns_size, "%.*s", (int)o->namespace_len, o->key);
		return ns;
	}
	if (!*tree)
		*tree = sim_object_tree(o);
	value = json_string_at(*tree, path);
	return value ? value : "";
}

bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object)
{
	cleanup_json cJSON *tree = NULL;
	char ns[256];

	for (size_t i = 0; selector && i < selector->count; i++) {
		const struct requirement *r = &selector->requirements[i];
		const char *value = r->on_field ? field_value(object, r->key, &tree, ns, sizeof(ns))
						: sim_object_label(object, r->key);

		if (!requirement_holds(r, value))
			return false;
	}
	return true;
}
