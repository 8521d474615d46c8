#include "common/services/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/strutil.h"
#include "common/services/secret.h"

#define TAG_PREFIX "tag:yaml.org,2002:"
#define MERGE_KEY "<<"
#define NUMBER_MAX 400 /* bytes of a number; longer ones are strings */

/* An open collection. */
struct frame {
	cJSON *node;     /* belongs to its parent, the outermost to struct reader */
	char *key;       /* in a mapping: the key of the next value; owned */
	size_t line;     /* of its beginning, from 1 */
	bool is_mapping; /* else a sequence */
	bool merges;     /* in a mapping: it has a key "<<" */
};

struct anchor {
	char *name;
	const cJSON *node; /* in the tree, or among the dropped */
};

struct reader {
	yaml_parser_t parser;
	cJSON *root; /* owned; NULL until the document's value begins */
	struct frame frames[YAML_DEPTH_MAX];
	size_t depth; /* frames in use */
	struct anchor anchors[YAML_ANCHORS_MAX];
	size_t anchor_count;
	size_t copies;  /* values that aliases have added */
	cJSON *dropped; /* an array: discarded values, which anchors may still refer to */
};

static size_t line_of(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static enum rc refuse(struct error *err, size_t line, const char *what)
{
	return error_set(err, RC_INVALID_ARGUMENT, "line %zu: %s", line, what);
}

/* ---- scalars ---- */

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words != NULL;
}

static const char *const null_words[] = { "", "~", "null", "Null", "NULL", NULL };
static const char *const true_words[] = {
	"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON", NULL
};
static const char *const false_words[] = { "false", "False", "FALSE", "no",  "No",  "NO",
					   "n",     "N",     "off",   "Off", "OFF", NULL };
static const char *const special_words[] = { ".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
					     "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL };

static const struct base_row {
	const char *prefix;
	const char *digits;
	int base;
} base_rows[] = {
	{ "0b", "01", 2 },
	{ "0o", "01234567", 8 },
	{ "0x", "0123456789abcdefABCDEF", 16 },
};

/* [-+]? [0-9]+ | 0b [01]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+ */
static bool read_integer(const char *text, double *ret_value)
{
	const char *digits = text + strspn(text, "+-");

	for (size_t i = 0; i < ARRAY_LEN(base_rows); i++) {
		const char *rest = text + strlen(base_rows[i].prefix);

		if (!str_has_prefix(text, base_rows[i].prefix))
			continue;
		if (rest[0] == '\0' || rest[strspn(rest, base_rows[i].digits)] != '\0')
			return false;
		*ret_value = (double)strtoull(rest, NULL, base_rows[i].base);
		return true;
	}
	if (digits - text > 1 || digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	*ret_value = strtod(text, NULL);
	return true;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool read_float(const char *text, double *ret_value)
{
	const char *at = text + (text[0] == '+' || text[0] == '-');
	size_t before = strspn(at, "0123456789");
	size_t after = 0;

	at += before;
	if (*at == '.') {
		after = strspn(at + 1, "0123456789");
		at += 1 + after;
	}
	if (before + after == 0)
		return false;
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '+' || at[1] == '-');
		if (strspn(at, "0123456789") == 0)
			return false;
		at += strspn(at, "0123456789");
	}
	if (*at != '\0')
		return false;
	*ret_value = strtod(text, NULL);
	return true;
}

/* A number, optionally with "_" between digits; NULL: not a number. */
static cJSON *make_number(const char *text)
{
	char digits[NUMBER_MAX];
	size_t len = 0;
	double number;

	if (!text[0] || !strchr("0123456789+-.", text[0]) || strlen(text) >= sizeof(digits))
		return NULL;
	for (; *text; text++)
		if (*text != '_')
			digits[len++] = *text;
	digits[len] = '\0';
	if (read_integer(digits, &number))
		return fabs(number) <= JSON_EXACT_INT_MAX ? cJSON_CreateNumber(number) : NULL;
	return read_float(digits, &number) && isfinite(number) ? cJSON_CreateNumber(number) : NULL;
}

static cJSON *make_plain(const char *text)
{
	cJSON *number;

	if (is_one_of(text, null_words))
		return cJSON_CreateNull();
	if (is_one_of(text, true_words))
		return cJSON_CreateTrue();
	if (is_one_of(text, false_words))
		return cJSON_CreateFalse();
	number = make_number(text);
	return number ? number : cJSON_CreateString(text);
}

/* The type that a tag requests for a scalar. */
enum wish { WISH_NONE, WISH_STRING, WISH_TYPED, WISH_UNKNOWN };

static enum wish wish_of(const char *tag)
{
	static const char *const typed[] = { TAG_PREFIX "null", TAG_PREFIX "bool", TAG_PREFIX "int", TAG_PREFIX "float",
					     NULL };
	static const char *const strings[] = { TAG_PREFIX "str", TAG_PREFIX "timestamp", NULL };

	if (!tag)
		return WISH_NONE;
	if (is_one_of(tag, typed))
		return WISH_TYPED;
	return is_one_of(tag, strings) || !str_has_prefix(tag, TAG_PREFIX) ? WISH_STRING : WISH_UNKNOWN;
}

static enum rc make_scalar(const yaml_event_t *event, cJSON **ret_node, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	enum wish wish = wish_of((const char *)event->data.scalar.tag);
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool typed = wish == WISH_TYPED || (plain && wish == WISH_NONE);

	if (wish == WISH_UNKNOWN)
		return refuse(err, line_of(event), "unsupported tag");
	if (typed && is_one_of(text, special_words))
		return refuse(err, line_of(event), "infinities and NaN are not supported");
	*ret_node = typed ? make_plain(text) : cJSON_CreateString(text);
	return *ret_node ? RC_OK : error_no_memory(err);
}

/* ---- anchors ---- */

static enum rc note_anchor(struct reader *r, const yaml_event_t *event, const yaml_char_t *name, const cJSON *node,
			   struct error *err)
{
	char *copy;

	if (!name)
		return RC_OK;
	if (r->anchor_count == YAML_ANCHORS_MAX)
		return refuse(err, line_of(event), "too many anchors");
	copy = str_dup((const char *)name);
	if (!copy)
		return error_no_memory(err);
	r->anchors[r->anchor_count++] = (struct anchor){ .name = copy, .node = node };
	return RC_OK;
}

/* The newest with that name: anchors may be redefined. */
static const cJSON *find_anchor(const struct reader *r, const char *name)
{
	for (size_t i = r->anchor_count; i > 0; i--)
		if (strcmp(r->anchors[i - 1].name, name) == 0)
			return r->anchors[i - 1].node;
	return NULL;
}

static bool is_open(const struct reader *r, const cJSON *node)
{
	for (size_t i = 0; i < r->depth; i++)
		if (r->frames[i].node == node)
			return true;
	return false;
}

/* Whether a tree has at most this many levels and values. *values: the remaining number. */
static bool fits(const cJSON *node, size_t levels, size_t *values)
{
	const cJSON *child = NULL;

	if (*values == 0 || levels == 0)
		return false;
	--*values;
	cJSON_ArrayForEach (child, node)
		if (!fits(child, levels - 1, values))
			return false;
	return true;
}

/* ---- the tree ---- */

static struct frame *top(struct reader *r)
{
	return r->depth ? &r->frames[r->depth - 1] : NULL;
}

/* Add a value to its parent. Takes ownership of the node, also on failure. */
static enum rc place(struct reader *r, cJSON *node, struct error *err)
{
	struct frame *frame = top(r);
	cJSON_bool placed;

	if (!frame) {
		r->root = node;
		return RC_OK;
	}
	if (!frame->is_mapping) {
		placed = cJSON_AddItemToArray(frame->node, node);
	} else {
		placed = cJSON_AddItemToObject(frame->node, frame->key, node);
		free(TAKE(frame->key));
	}
	if (placed)
		return RC_OK;
	cJSON_Delete(node);
	return error_no_memory(err);
}

static bool wants_key(const struct frame *frame)
{
	return frame && frame->is_mapping && !frame->key;
}

static enum rc on_alias(struct reader *r, const yaml_event_t *event, struct error *err)
{
	const cJSON *node = find_anchor(r, (const char *)event->data.alias.anchor);
	size_t left = YAML_COPIES_MAX - r->copies;
	cJSON *copy;

	if (!node)
		return refuse(err, line_of(event), "unknown anchor");
	if (is_open(r, node))
		return refuse(err, line_of(event), "an anchor contains itself");
	if (wants_key(top(r)))
		return refuse(err, line_of(event), "a key must be a scalar");
	if (!fits(node, YAML_DEPTH_MAX - r->depth + 1, &left))
		return refuse(err, line_of(event), "the aliases make the document too large or too deep");
	copy = cJSON_Duplicate(node, 1);
	if (!copy)
		return error_no_memory(err);
	cJSON_free(TAKE(copy->string)); /* the key of the original */
	r->copies = YAML_COPIES_MAX - left;
	return place(r, copy, err);
}

static enum rc on_scalar(struct reader *r, const yaml_event_t *event, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	struct frame *frame = top(r);
	cJSON *node = NULL;
	enum rc rc;

	if (strlen(text) != event->data.scalar.length)
		return refuse(err, line_of(event), "U+0000 is not supported");
	if (wants_key(frame)) {
		frame->key = str_dup(text);
		frame->merges = frame->merges || strcmp(text, MERGE_KEY) == 0;
		return frame->key ? RC_OK : error_no_memory(err);
	}
	rc = make_scalar(event, &node, err);
	if (!rc)
		rc = place(r, node, err);
	return rc ? rc : note_anchor(r, event, event->data.scalar.anchor, node, err);
}

static enum rc on_collection(struct reader *r, const yaml_event_t *event, bool is_mapping, struct error *err)
{
	const yaml_char_t *anchor = is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	cJSON *node;
	enum rc rc;

	if (wants_key(top(r)))
		return refuse(err, line_of(event), "a key must be a scalar");
	if (r->depth == YAML_DEPTH_MAX)
		return refuse(err, line_of(event), "the nesting is too deep");
	node = is_mapping ? cJSON_CreateObject() : cJSON_CreateArray();
	if (!node)
		return error_no_memory(err);
	rc = place(r, node, err);
	if (!rc)
		rc = note_anchor(r, event, anchor, node, err);
	if (rc)
		return rc;
	r->frames[r->depth++] = (struct frame){ .node = node, .line = line_of(event), .is_mapping = is_mapping };
	return RC_OK;
}

/* ---- the end of a mapping ---- */

/* Discard a value. */
static void drop(struct reader *r, cJSON *node)
{
	cJSON_AddItemToArray(r->dropped, node);
}

/* Move the members of a mapping, with their keys, to the end of another. */
static void move_members(cJSON *from, cJSON *to)
{
	cJSON *first = from->child;

	if (!first)
		return;
	from->child = NULL;
	if (to->child) {
		cJSON *last = first->prev; /* cJSON: `prev` of the first is the last */

		first->prev = to->child->prev;
		to->child->prev->next = first;
		to->child->prev = last;
	} else {
		to->child = first;
	}
}

static bool is_mergeable(const cJSON *value)
{
	const cJSON *item = NULL;

	if (cJSON_IsObject(value))
		return true;
	cJSON_ArrayForEach (item, value)
		if (!cJSON_IsObject(item))
			return false;
	return cJSON_IsArray(value);
}

/* Insert the members of the mappings of "<<"; the first of several mappings wins. */
static enum rc merge(struct reader *r, const struct frame *frame, struct error *err)
{
	cleanup_secret_tree cJSON *old = cJSON_CreateObject();

	if (!old)
		return error_no_memory(err);
	move_members(frame->node, old);
	while (old->child) {
		cJSON *member = cJSON_DetachItemViaPointer(old, old->child);

		if (strcmp(member->string, MERGE_KEY) != 0) {
			cJSON_AddItemToArray(frame->node, member); /* it has its key */
			continue;
		}
		drop(r, member);
		if (!is_mergeable(member))
			return refuse(err, frame->line, "<< needs a mapping or a list of mappings");
		if (cJSON_IsObject(member))
			move_members(member, frame->node);
		else
			for (cJSON *item = member->child ? member->child->prev : NULL; item;
			     item = item == member->child ? NULL : item->prev)
				move_members(item, frame->node);
	}
	return RC_OK;
}

/* The last value of a duplicate key wins. */
static enum rc drop_duplicate_keys(struct reader *r, const struct frame *frame, struct error *err)
{
	cleanup_free struct json_member *members = NULL;
	size_t count;
	enum rc rc = json_sort_members(frame->node, &members, &count, err);

	for (size_t i = 1; !rc && i < count; i++)
		if (strcmp(members[i - 1].node->string, members[i].node->string) == 0)
			drop(r, cJSON_DetachItemViaPointer(frame->node, members[i - 1].node));
	return rc;
}

static enum rc on_mapping_end(struct reader *r, struct error *err)
{
	const struct frame *frame = top(r);
	enum rc rc = frame->merges ? merge(r, frame, err) : RC_OK;

	if (!rc)
		rc = drop_duplicate_keys(r, frame, err);
	r->depth--;
	return rc;
}

static enum rc on_event(struct reader *r, const yaml_event_t *event, struct error *err)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return on_alias(r, event, err);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return on_collection(r, event, false, err);
	case YAML_MAPPING_START_EVENT:
		return on_collection(r, event, true, err);
	case YAML_MAPPING_END_EVENT:
		return on_mapping_end(r, err);
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return RC_OK;
	case YAML_DOCUMENT_START_EVENT:
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return RC_OK;
	}
	return RC_OK;
}

static enum rc syntax_error(const struct reader *r, struct error *err)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return error_no_memory(err);
	if (p->error == YAML_READER_ERROR)
		return error_set(err, RC_INVALID_ARGUMENT, "byte %zu: %s", p->problem_offset,
				 p->problem ? p->problem : "character not allowed in YAML");
	return refuse(err, p->problem_mark.line + 1, p->problem ? p->problem : "not YAML");
}

static enum rc read_all(struct reader *r, struct error *err)
{
	bool done = false;
	enum rc rc = RC_OK;

	while (!rc && !done) {
		yaml_event_t event;

		if (!yaml_parser_parse(&r->parser, &event))
			return syntax_error(r, err);
		done = event.type == YAML_STREAM_END_EVENT || event.type == YAML_DOCUMENT_END_EVENT;
		rc = on_event(r, &event, err);
		yaml_event_delete(&event);
	}
	if (!rc && !r->root)
		r->root = cJSON_CreateNull();
	return rc || r->root ? rc : error_no_memory(err);
}

enum rc yaml_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err)
{
	struct reader r = { .depth = 0 };
	enum rc rc;

	if (len > YAML_TEXT_MAX)
		return error_set(err, RC_TOO_LARGE, "a YAML text of %zu bytes exceeds the limit of %u", len,
				 YAML_TEXT_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return error_no_memory(err);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	r.dropped = cJSON_CreateArray();
	rc = r.dropped ? read_all(&r, err) : error_no_memory(err);
	yaml_parser_delete(&r.parser);
	for (size_t i = 0; i < YAML_DEPTH_MAX; i++)
		free(r.frames[i].key);
	for (size_t i = 0; i < r.anchor_count; i++)
		free(r.anchors[i].name);
	secret_tree_free(r.dropped);
	if (rc) {
		secret_tree_free(r.root);
		return rc;
	}
	*ret_tree = r.root;
	return RC_OK;
}
