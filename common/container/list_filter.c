#include "common/container/list_filter.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"

#define BLANKS " \t\r\n"
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define FIELD_CHARACTERS ALNUM "_.-/"
#define VALUE_CHARACTERS ALNUM "_.-/+@:*"
#define RELATION_CHARACTERS "=!<>:"
#define LABELS "labels"
#define LABEL_PREFIX LABELS "."
#define ANY "*"

enum relation {
	RELATION_EQUAL,
	RELATION_NOT_EQUAL,
	RELATION_LESS,
	RELATION_LESS_EQUAL,
	RELATION_MORE,
	RELATION_MORE_EQUAL,
	RELATION_HAS,
	RELATION_COUNT
};

static const char *const relations[RELATION_COUNT] = {
	[RELATION_EQUAL] = "=", [RELATION_NOT_EQUAL] = "!=",  [RELATION_LESS] = "<", [RELATION_LESS_EQUAL] = "<=",
	[RELATION_MORE] = ">",  [RELATION_MORE_EQUAL] = ">=", [RELATION_HAS] = ":",
};

enum node_type { NODE_TERM, NODE_AND, NODE_OR, NODE_NOT };

/* The operand of a term. */
enum subject_type { SUBJECT_FIELD, SUBJECT_LABEL, SUBJECT_LABELS };

struct term {
	enum subject_type subject;
	enum list_field field; /* SUBJECT_FIELD */
	enum relation relation;
	bool any;       /* `:*` */
	char *key;      /* SUBJECT_LABEL */
	char *value;    /* a text */
	int64_t number; /* create_time: ms */
};

/* Operands are linked, starting with the first. */
struct node {
	enum node_type type;
	struct node *first;
	struct node *next;
	struct term term;
};

struct list_filter {
	struct node *root;
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void free_nodes(struct node *node)
{
	while (node) {
		struct node *next = node->next;

		free_nodes(node->first);
		free(node->term.key);
		free(node->term.value);
		free(node);
		node = next;
	}
}

void list_filter_destroy(struct list_filter *filter)
{
	if (!filter)
		return;
	free_nodes(filter->root);
	free(filter);
}

void list_filter_destroy_at(struct list_filter **filter)
{
	list_filter_destroy(*filter);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reader {
	const char *text;
	const char *at;
	size_t terms;
	size_t depth;
	struct error *err;
};

/* The position in characters, from 1. */
static size_t place_of(const struct reader *r)
{
	size_t place = 1;

	for (const char *c = r->text; c < r->at; c++)
		place += ((unsigned char)*c & 0xC0) != 0x80;
	return place;
}

static enum rc refuse(const struct reader *r, const char *what)
{
	return error_set(r->err, RC_INVALID_ARGUMENT, "at character %zu: %s", place_of(r), what);
}

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, BLANKS);
}

/* If the next word is this one, consume it and return true. */
static bool take_word(struct reader *r, const char *word)
{
	size_t len = strspn(r->at, FIELD_CHARACTERS);

	if (strlen(word) != len || strncmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	skip_blanks(r);
	return true;
}

static enum rc take_plain(struct reader *r, size_t len, char **ret_text)
{
	char *text = strndup(r->at, len);

	if (!text)
		return error_no_memory(r->err);
	r->at += len;
	*ret_text = text;
	return RC_OK;
}

/* From one quote to the next. */
static enum rc take_quoted(struct reader *r, char **ret_text)
{
	const char quote = *r->at;
	const char *c = r->at + 1;
	char *text = malloc(strlen(c) + 1);
	char *end = text;

	if (!text)
		return error_no_memory(r->err);
	while (*c && *c != quote) {
		if (*c == '\\' && (c[1] == '\\' || c[1] == '"' || c[1] == '\''))
			c++;
		*end++ = *c++;
	}
	*end = '\0';
	if (!*c) {
		free(text);
		return refuse(r, "unterminated quote");
	}
	r->at = c + 1;
	*ret_text = text;
	return RC_OK;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

static enum rc read_label_key(struct reader *r, struct term *term)
{
	size_t len;

	r->at += strlen(LABEL_PREFIX);
	term->subject = SUBJECT_LABEL;
	if (is_quote(*r->at))
		return take_quoted(r, &term->key);
	len = strspn(r->at, FIELD_CHARACTERS);
	return len ? take_plain(r, len, &term->key) : refuse(r, "expected a label key");
}

static enum rc read_subject(struct reader *r, struct term *term)
{
	size_t len = strspn(r->at, FIELD_CHARACTERS);

	if (str_has_prefix(r->at, LABEL_PREFIX))
		return read_label_key(r, term);
	if (len == strlen(LABELS) && strncmp(r->at, LABELS, len) == 0) {
		term->subject = SUBJECT_LABELS;
	} else {
		term->field = list_field_from_name(r->at, len);
		if (term->field == LIST_FIELD_COUNT)
			return refuse(r, "expected id, name, image, status, create_time or labels.KEY");
	}
	r->at += len;
	return RC_OK;
}

/* Statuses and label presence support only some operators. */
static bool is_allowed(const struct term *term)
{
	if (term->subject == SUBJECT_LABELS)
		return term->relation == RELATION_HAS;
	if (term->subject == SUBJECT_FIELD && term->field == LIST_FIELD_STATUS)
		return term->relation <= RELATION_NOT_EQUAL || term->relation == RELATION_HAS;
	return true;
}

static enum rc read_relation(struct reader *r, struct term *term)
{
	size_t len = strspn(r->at, RELATION_CHARACTERS);

	if (len > 1 && r->at[len - 1] == ':') /* may be the beginning of a value */
		len--;
	for (int i = 0; i < RELATION_COUNT; i++) {
		if (strlen(relations[i]) != len || strncmp(r->at, relations[i], len) != 0)
			continue;
		term->relation = (enum relation)i;
		if (!is_allowed(term))
			return refuse(r, term->subject == SUBJECT_LABELS ? "labels supports only ':'"
									 : "status supports only '=' and '!='");
		r->at += len;
		skip_blanks(r);
		return RC_OK;
	}
	return refuse(r, "expected one of = != < <= > >= :");
}

static bool is_keyword(const char *at, size_t len)
{
	static const char *const words[] = { "AND", "OR", "NOT" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && strncmp(at, words[i], len) == 0)
			return true;
	return false;
}

static enum rc read_value(struct reader *r, struct term *term)
{
	size_t len = strspn(r->at, VALUE_CHARACTERS);

	if (is_quote(*r->at))
		return take_quoted(r, &term->value);
	if (len == 0 || is_keyword(r->at, len))
		return refuse(r, "expected a value");
	term->any = term->relation == RELATION_HAS && len == strlen(ANY) && *r->at == *ANY;
	return take_plain(r, len, &term->value);
}

/* Convert the value. r->at: its beginning. */
static enum rc understand_value(struct reader *r, struct term *term)
{
	enum container_status status;

	if (term->subject != SUBJECT_FIELD || term->any)
		return RC_OK;
	if (term->field == LIST_FIELD_STATUS && !container_status_from_name(term->value, &status))
		return refuse(r, "not a status of a container");
	if (term->field == LIST_FIELD_CREATE_TIME && !clock_parse_rfc3339(term->value, &term->number))
		return refuse(r, "not an RFC 3339 time");
	return RC_OK;
}

static enum rc read_term(struct reader *r, struct node *node)
{
	const char *value;
	const char *end;
	enum rc rc;

	if (++r->terms > LIST_FILTER_TERMS)
		return refuse(r, "more than 100 comparisons");
	rc = read_subject(r, &node->term);
	if (rc)
		return rc;
	skip_blanks(r);
	rc = read_relation(r, &node->term);
	value = r->at;
	if (!rc)
		rc = read_value(r, &node->term);
	if (rc)
		return rc;
	end = r->at;
	r->at = value;
	rc = understand_value(r, &node->term);
	if (rc)
		return rc;
	r->at = end;
	skip_blanks(r);
	return RC_OK;
}

static enum rc add_node(struct node **place, enum node_type type, struct error *err)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return error_no_memory(err);
	node->type = type;
	*place = node;
	return RC_OK;
}

static enum rc read_filter(struct reader *r, struct node **place);

static enum rc read_group(struct reader *r, struct node **place)
{
	const char *open = r->at++;
	enum rc rc;

	skip_blanks(r);
	rc = read_filter(r, place);
	if (rc)
		return rc;
	if (*r->at != ')') {
		bool ended = *r->at == '\0';

		r->at = ended ? open : r->at;
		return refuse(r, ended ? "unclosed parenthesis" : "expected AND, OR or ')'");
	}
	r->at++;
	skip_blanks(r);
	return RC_OK;
}

/* The caller owns *place, also after an error. */
static enum rc read_operand(struct reader *r, struct node **place)
{
	enum rc rc;

	if (++r->depth > LIST_FILTER_DEPTH)
		return refuse(r, "more than 16 nested parentheses and NOTs");
	if (*r->at == '(') {
		rc = read_group(r, place);
	} else if (take_word(r, "NOT")) {
		rc = add_node(place, NODE_NOT, r->err);
		if (!rc)
			rc = read_operand(r, &(*place)->first);
	} else {
		rc = add_node(place, NODE_TERM, r->err);
		if (!rc)
			rc = read_term(r, *place);
	}
	r->depth--;
	return rc;
}

/* Consume AND or OR; NODE_TERM: neither. */
static enum node_type take_joint(struct reader *r)
{
	if (take_word(r, "AND"))
		return NODE_AND;
	return take_word(r, "OR") ? NODE_OR : NODE_TERM;
}

/* Operands joined by AND or OR, but not both. */
static enum rc read_filter(struct reader *r, struct node **place)
{
	enum rc rc = read_operand(r, place);
	const char *before = r->at;
	enum node_type joint = rc ? NODE_TERM : take_joint(r);
	enum node_type type = joint;
	struct node *parent = NULL;
	struct node **next;

	if (rc || joint == NODE_TERM)
		return rc;
	rc = add_node(&parent, joint, r->err);
	if (rc)
		return rc;
	parent->first = *place;
	*place = parent;
	next = &parent->first->next;
	while (!rc && joint == type) {
		rc = read_operand(r, next);
		if (rc)
			return rc;
		next = &(*next)->next;
		before = r->at;
		joint = take_joint(r);
	}
	if (joint != NODE_TERM) {
		r->at = before;
		return refuse(r, "mixing AND and OR requires parentheses");
	}
	return RC_OK;
}

enum rc list_filter_parse(const char *text, struct list_filter **ret_filter, struct error *err)
{
	struct reader r = { .text = text, .at = text, .err = err };
	struct list_filter *filter cleanup_list_filter = NULL;
	enum rc rc;

	if (strlen(text) > LIST_FILTER_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "must have at most %d bytes", LIST_FILTER_MAX);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return error_no_memory(err);
	skip_blanks(&r);
	rc = read_filter(&r, &filter->root);
	if (!rc && *r.at)
		rc = refuse(&r, *r.at == ')' ? "unopened parenthesis" : "expected AND, OR or the end");
	if (!rc)
		*ret_filter = TAKE(filter);
	return rc;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

/* order: < 0, 0 or > 0, the result of comparing the value with the term's. */
static bool holds(enum relation relation, int order)
{
	switch (relation) {
	case RELATION_EQUAL:
	case RELATION_HAS:
		return order == 0;
	case RELATION_NOT_EQUAL:
		return order != 0;
	case RELATION_LESS:
		return order < 0;
	case RELATION_LESS_EQUAL:
		return order <= 0;
	case RELATION_MORE:
		return order > 0;
	case RELATION_MORE_EQUAL:
		return order >= 0;
	case RELATION_COUNT:
		break;
	}
	return false;
}

static bool field_matches(const struct term *term, const struct list_subject *subject)
{
	int64_t created_ms = subject->created_ms;
	const char *text;

	if (term->field == LIST_FIELD_CREATE_TIME)
		return term->any ? created_ms != 0
				 : holds(term->relation, (created_ms > term->number) - (created_ms < term->number));
	text = list_field_text(subject, term->field);
	if (term->any)
		return text[0] != '\0';
	if (term->relation == RELATION_HAS && term->field != LIST_FIELD_STATUS)
		return strstr(text, term->value) != NULL;
	return holds(term->relation, strcmp(text, term->value));
}

static bool term_matches(const struct term *term, const struct list_subject *subject)
{
	const char *label;

	switch (term->subject) {
	case SUBJECT_FIELD:
		return field_matches(term, subject);
	case SUBJECT_LABELS:
		return term->any ? subject->labels[0] != '\0' : list_field_label(subject, term->value) != NULL;
	case SUBJECT_LABEL:
		label = list_field_label(subject, term->key);
		return label && (term->any || holds(term->relation, strcmp(label, term->value)));
	}
	return false;
}

static bool node_matches(const struct node *node, const struct list_subject *subject)
{
	if (node->type == NODE_TERM)
		return term_matches(&node->term, subject);
	if (node->type == NODE_NOT)
		return !node_matches(node->first, subject);
	for (const struct node *operand = node->first; operand; operand = operand->next)
		if (node_matches(operand, subject) == (node->type == NODE_OR))
			return node->type == NODE_OR;
	return node->type == NODE_AND;
}

bool list_filter_matches(const struct list_filter *filter, const struct list_subject *subject)
{
	return !filter || node_matches(filter->root, subject);
}

/* ---- label selector for Kubernetes ------------------------------------------------------------------------------- */

/* Not reserved, and valid for Kubernetes. */
static bool is_askable(const char *key)
{
	return !label_is_reserved(key) && !label_key_fault(key);
}

/* Returns false if a label selector cannot express it. */
static bool select_term(const struct term *term, struct buf *selector)
{
	bool equality = (term->relation == RELATION_EQUAL || term->relation == RELATION_HAS) && !term->any &&
			!label_value_fault(term->value);

	if (term->subject == SUBJECT_FIELD && term->field == LIST_FIELD_ID && term->relation == RELATION_EQUAL &&
	    equality)
		buf_addf(selector, "," LABEL_INSTANCE_ID "=%s", term->value);
	else if (term->subject == SUBJECT_LABEL && is_askable(term->key) && equality)
		buf_addf(selector, ",%s=%s", term->key, term->value);
	else if (term->subject == SUBJECT_LABEL && is_askable(term->key) && term->any)
		buf_addf(selector, ",%s", term->key);
	else if (term->subject == SUBJECT_LABELS && !term->any && is_askable(term->value))
		buf_addf(selector, ",%s", term->value);
	else
		return false;
	return true;
}

bool list_filter_select(const struct list_filter *filter, struct buf *selector)
{
	const struct node *root = filter ? filter->root : NULL;
	const struct node *operand = root && root->type == NODE_AND ? root->first : root;
	bool all = !root || root->type == NODE_AND || root->type == NODE_TERM;

	for (; operand; operand = operand == root ? NULL : operand->next)
		all = operand->type == NODE_TERM && select_term(&operand->term, selector) && all;
	return all;
}
