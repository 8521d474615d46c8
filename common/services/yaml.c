#include "common/services/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/strutil.h"

#define EXACT_INT_MAX 9007199254740992.0 /* 2^53: above it a double skips integers */

#define TAG_STR YAML_STR_TAG
#define TAG_NON_SPECIFIC "!"

/* A collection that is open. */
struct frame {
	cJSON *node;     /* belongs to its parent, the outermost to struct reader */
	char *key;       /* in a mapping: the key that waits for its value; owned */
	size_t line;     /* where it begins, from 1 */
	bool is_mapping; /* else a sequence */
};

struct reader {
	yaml_parser_t parser;
	cJSON *root; /* owned; NULL until the document's value begins */
	struct frame frames[YAML_DEPTH_MAX];
	size_t depth; /* frames in use */
	size_t documents;
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
static const char *const true_words[] = { "true", "True", "TRUE", NULL };
static const char *const false_words[] = { "false", "False", "FALSE", NULL };
static const char *const special_words[] = { ".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
					     "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL };

/* [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+ */
static bool read_integer(const char *text, double *ret_value)
{
	const char *digits = text + strspn(text, "+-");
	const char *alphabet = "0123456789";
	int base = 10;

	if (digits - text > 1)
		return false;
	if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
		base = text[1] == 'o' ? 8 : 16;
		alphabet = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
		digits = text + 2;
	}
	if (digits[0] == '\0' || digits[strspn(digits, alphabet)] != '\0')
		return false;
	*ret_value = base == 10 ? strtod(text, NULL) : (double)strtoull(digits, NULL, base);
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

static cJSON *make_plain(const char *text)
{
	double number;

	if (is_one_of(text, null_words))
		return cJSON_CreateNull();
	if (is_one_of(text, true_words))
		return cJSON_CreateTrue();
	if (is_one_of(text, false_words))
		return cJSON_CreateFalse();
	if (read_integer(text, &number))
		return fabs(number) <= EXACT_INT_MAX ? cJSON_CreateNumber(number) : cJSON_CreateString(text);
	if (read_float(text, &number))
		return isfinite(number) ? cJSON_CreateNumber(number) : cJSON_CreateString(text);
	return cJSON_CreateString(text);
}

static enum rc make_scalar(const yaml_event_t *event, cJSON **ret_node, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;

	if (tag && strcmp(tag, TAG_STR) != 0 && strcmp(tag, TAG_NON_SPECIFIC) != 0)
		return refuse(err, line_of(event), "this tag is not supported");
	if (plain && is_one_of(text, special_words))
		return refuse(err, line_of(event), "infinities and NaN are not supported");
	*ret_node = plain ? make_plain(text) : cJSON_CreateString(text);
	return *ret_node ? RC_OK : error_no_memory(err);
}

/* ---- the tree ---- */

static struct frame *top(struct reader *r)
{
	return r->depth ? &r->frames[r->depth - 1] : NULL;
}

/* Put a value where it belongs. Takes the node over, also on failure. */
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

static enum rc on_scalar(struct reader *r, const yaml_event_t *event, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	struct frame *frame = top(r);
	cJSON *node = NULL;
	enum rc rc;

	if (event->data.scalar.anchor)
		return refuse(err, line_of(event), "anchors are not supported");
	if (strlen(text) != event->data.scalar.length)
		return refuse(err, line_of(event), "U+0000 is not supported");
	if (wants_key(frame)) {
		frame->key = str_dup(text);
		return frame->key ? RC_OK : error_no_memory(err);
	}
	rc = make_scalar(event, &node, err);
	return rc ? rc : place(r, node, err);
}

static enum rc on_collection(struct reader *r, const yaml_event_t *event, bool is_mapping, struct error *err)
{
	const yaml_char_t *anchor = is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const char *tag = (const char *)(is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
	cJSON *node;
	enum rc rc;

	if (anchor)
		return refuse(err, line_of(event), "anchors are not supported");
	if (tag && strcmp(tag, is_mapping ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
		return refuse(err, line_of(event), "this tag is not supported");
	if (wants_key(top(r)))
		return refuse(err, line_of(event), "a key must be a scalar");
	if (r->depth == YAML_DEPTH_MAX)
		return refuse(err, line_of(event), "the nesting is too deep");
	node = is_mapping ? cJSON_CreateObject() : cJSON_CreateArray();
	if (!node)
		return error_no_memory(err);
	rc = place(r, node, err);
	if (rc)
		return rc;
	r->frames[r->depth++] = (struct frame){ .node = node, .line = line_of(event), .is_mapping = is_mapping };
	return RC_OK;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorting keeps a mapping of many keys from costing the square of their number. */
static enum rc refuse_duplicate_keys(const struct frame *frame, struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(frame->node);
	cleanup_free const char **keys = calloc(count ? count : 1, sizeof(*keys));
	const cJSON *member = NULL;

	if (!keys)
		return error_no_memory(err);
	count = 0;
	cJSON_ArrayForEach (member, frame->node)
		keys[count++] = member->string;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return error_set(err, RC_INVALID_ARGUMENT,
					 "line %zu: the key '%.100s' stands twice in the mapping that begins here",
					 frame->line, keys[i]);
	return RC_OK;
}

static enum rc on_event(struct reader *r, const yaml_event_t *event, struct error *err)
{
	enum rc rc = RC_OK;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return refuse(err, line_of(event), "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return on_collection(r, event, false, err);
	case YAML_MAPPING_START_EVENT:
		return on_collection(r, event, true, err);
	case YAML_MAPPING_END_EVENT:
		rc = refuse_duplicate_keys(top(r), err);
		r->depth--;
		return rc;
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return RC_OK;
	case YAML_DOCUMENT_START_EVENT:
		return r->documents++ ? refuse(err, line_of(event), "there is a second document") : RC_OK;
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
				 p->problem ? p->problem : "not a character that YAML allows");
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
		done = event.type == YAML_STREAM_END_EVENT;
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
		return error_set(err, RC_TOO_LARGE, "a YAML text of %zu bytes is above the limit of %u", len,
				 YAML_TEXT_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return error_no_memory(err);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	rc = read_all(&r, err);
	yaml_parser_delete(&r.parser);
	for (size_t i = 0; i < YAML_DEPTH_MAX; i++)
		free(r.frames[i].key);
	if (rc) {
		cJSON_Delete(r.root);
		return rc;
	}
	*ret_tree = r.root;
	return RC_OK;
}
