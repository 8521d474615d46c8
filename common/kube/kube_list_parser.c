#include "common/kube/kube_list_parser.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_json.h"
#include "common/services/json_check.h"

#define ENVELOPE_MAX (256u * 1024)
#define ITEM_MAX (16u * 1024 * 1024)
#define ITEM_KEPT (64u * 1024) /* larger buffers are freed after the item */
#define DEPTH_MAX 256

/* Levels: 1 = inside the list object, 2 = inside its items array, 3 and deeper = inside an item. */
#define DEPTH_LIST 1
#define DEPTH_ITEMS 2
#define BETWEEN_ITEMS ", \t\r\n{]" /* allowed bytes between items, which are objects */

struct kube_list_parser kube_list_parser_make(kube_list_item on_item, void *ctx)
{
	return (struct kube_list_parser){
		.on_item = on_item, .ctx = ctx, .envelope = buf_make(ENVELOPE_MAX), .item = buf_make(ITEM_MAX)
	};
}

void kube_list_parser_clear(struct kube_list_parser *list)
{
	buf_clear(&list->envelope);
	buf_clear(&list->item);
}

void kube_list_parser_restart(void *ctx)
{
	struct kube_list_parser *list = ctx;

	kube_list_parser_clear(list);
	*list = kube_list_parser_make(list->on_item, list->ctx);
}

static bool fail(struct kube_list_parser *list, enum rc rc)
{
	list->failed = rc;
	return false;
}

static bool emit_item(struct kube_list_parser *list)
{
	cleanup_json cJSON *item = NULL;
	enum rc rc = RC_OK;

	if (list->item.failed)
		rc = error_set(&list->error, RC_UNAVAILABLE, "an item of the list exceeds %u bytes", ITEM_MAX);
	else
		rc = kube_json_parse(list->item.data, list->item.len, &item, &list->error);
	if (rc == RC_INVALID_ARGUMENT)
		rc = error_wrap(&list->error, RC_UNAVAILABLE, "invalid item in the list");
	if (!rc)
		rc = list->on_item(list->ctx, item, &list->error);
	if (list->item.capacity > ITEM_KEPT)
		buf_clear(&list->item);
	else
		buf_reset(&list->item);
	return rc ? fail(list, rc) : true;
}

/* Append the bytes to the current item, or to the envelope; commas between items to neither.
 */
static void keep(struct kube_list_parser *list, const char *from, const char *to, bool inside_item)
{
	if (to == from)
		return;
	if (inside_item)
		buf_add(&list->item, from, (size_t)(to - from));
	else if (!list->in_items)
		buf_add(&list->envelope, from, (size_t)(to - from));
}

static void note_string_byte(struct kube_list_parser *list, char c)
{
	if (list->depth == DEPTH_LIST && list->word_len < sizeof(list->word) - 1)
		list->word[list->word_len++] = c;
}

static void step_in_string(struct kube_list_parser *list, char c)
{
	if (list->escaped) {
		list->escaped = false;
	} else if (c == '\\') {
		list->escaped = true;
	} else if (c == '"') {
		list->in_string = false;
		return;
	}
	note_string_byte(list, c);
}

static void start_string(struct kube_list_parser *list)
{
	list->in_string = true;
	if (list->depth == DEPTH_LIST) {
		list->word_len = 0;
		memset(list->word, 0, sizeof(list->word));
	}
}

static bool feed_byte(struct kube_list_parser *list, const char *at, const char **kept_from)
{
	bool inside_item = list->in_items && list->depth > DEPTH_ITEMS;

	if (list->in_items && !inside_item && !memchr(BETWEEN_ITEMS, *at, strlen(BETWEEN_ITEMS)))
		return fail(list, RC_UNAVAILABLE);
	switch (*at) {
	case '"':
		start_string(list);
		return true;
	case '{':
	case '[':
		if (list->in_items && list->depth == DEPTH_ITEMS) { /* begin of an item */
			*kept_from = at;
		} else if (*at == '[' && list->depth == DEPTH_LIST && strcmp(list->word, "items") == 0) {
			keep(list, *kept_from, at + 1, false);
			*kept_from = at + 1;
			list->in_items = true;
		}
		return ++list->depth <= DEPTH_MAX || fail(list, RC_UNAVAILABLE);
	case '}':
	case ']':
		if (list->depth == 0)
			return fail(list, RC_UNAVAILABLE);
		list->depth--;
		if (inside_item && list->depth == DEPTH_ITEMS) {
			keep(list, *kept_from, at + 1, true);
			*kept_from = at + 1;
			return emit_item(list);
		}
		if (list->in_items && list->depth == DEPTH_LIST) {
			list->in_items = false;
			*kept_from = at;
		}
		return true;
	default:
		return true;
	}
}

/* The length of plain bytes in a string, which are most of a list. */
static size_t plain_length(const struct kube_list_parser *list, const char *at, const char *end)
{
	if (!list->in_string || list->escaped || list->depth == DEPTH_LIST)
		return 0;
	return json_plain_length(at, (size_t)(end - at));
}

bool kube_list_parser_feed(void *ctx, const char *bytes, size_t len)
{
	struct kube_list_parser *list = ctx;
	const char *kept_from = bytes;
	const char *end = bytes + len;

	for (const char *at = bytes; (at += plain_length(list, at, end)) < end; at++) {
		if (list->in_string)
			step_in_string(list, *at);
		else if (list->failed || !feed_byte(list, at, &kept_from))
			return false;
	}
	keep(list, kept_from, end, list->in_items && list->depth > DEPTH_ITEMS);
	return !list->failed;
}

static char *text_or_empty(const cJSON *envelope, const char *path)
{
	const char *text = json_string_at(envelope, path);

	return str_dup(text ? text : "");
}

/* In Go's output an empty list may be null. */
static bool is_list(const cJSON *envelope)
{
	const cJSON *items = json_get(envelope, "items");

	return cJSON_IsArray(items) || cJSON_IsNull(items);
}

enum rc kube_list_parser_finish(struct kube_list_parser *list, char **ret_continue, char **ret_resource_version,
				struct error *err)
{
	cleanup_json cJSON *envelope = NULL;
	cleanup_free char *token = NULL;
	cleanup_free char *version = NULL;
	enum rc rc = list->failed;

	if (rc) {
		if (list->error.rc != rc)
			error_set(&list->error, rc, "the response is not a list");
		if (err)
			*err = list->error;
		return rc;
	}
	if (list->envelope.failed)
		return error_set(err, RC_UNAVAILABLE, "the metadata of the list exceeds %u bytes", ENVELOPE_MAX);
	rc = json_parse(list->envelope.data, list->envelope.len, &envelope, err);
	if (rc == RC_INVALID_ARGUMENT)
		return error_wrap(err, RC_UNAVAILABLE, "the list is truncated or invalid");
	if (rc)
		return rc;
	if (!is_list(envelope))
		return error_set(err, RC_UNAVAILABLE, "the response is not a list: it has no items");
	token = text_or_empty(envelope, "metadata.continue");
	version = text_or_empty(envelope, "metadata.resourceVersion");
	if (!token || !version)
		return error_no_memory(err);
	*ret_continue = TAKE(token);
	if (ret_resource_version)
		*ret_resource_version = TAKE(version);
	return RC_OK;
}
