#include "common/kube/kube_watch_parser.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_json.h"

#define LINE_KEPT (64u * 1024) /* larger buffers are freed after the event */

static const char *const event_names[] = {
	[KUBE_ADDED] = "ADDED",       [KUBE_MODIFIED] = "MODIFIED", [KUBE_DELETED] = "DELETED",
	[KUBE_BOOKMARK] = "BOOKMARK", [KUBE_ERROR] = "ERROR",
};

struct kube_watch_parser kube_watch_parser_make(kube_watch_event on_event, void *ctx)
{
	return (struct kube_watch_parser){ .on_event = on_event, .ctx = ctx, .line = buf_make(KUBE_EVENT_MAX) };
}

void kube_watch_parser_clear(struct kube_watch_parser *watch)
{
	buf_clear(&watch->line);
}

static enum rc emit(struct kube_watch_parser *watch, const cJSON *line)
{
	const char *type = json_string_at(line, "type");
	const cJSON *object = json_get(line, "object");

	for (size_t i = 0; type && object && i < ARRAY_LEN(event_names); i++)
		if (strcmp(event_names[i], type) == 0)
			return watch->on_event(watch->ctx, (enum kube_event)i, object, &watch->error);
	return error_set(&watch->error, RC_UNAVAILABLE, "the watch sent an event of unknown type '%.32s'",
			 type ? type : "");
}

static enum rc take_line(struct kube_watch_parser *watch)
{
	cleanup_json cJSON *tree = NULL;
	enum rc rc = buf_check(&watch->line, &watch->error);

	if (rc || watch->line.len == 0)
		return rc;
	rc = kube_json_parse(watch->line.data, watch->line.len, &tree, &watch->error);
	if (rc)
		return error_wrap(&watch->error, rc == RC_NO_MEMORY ? rc : RC_UNAVAILABLE,
				  "invalid event of the watch");
	return emit(watch, tree);
}

static void forget_line(struct buf *line)
{
	if (line->capacity > LINE_KEPT)
		buf_clear(line);
	else
		buf_reset(line);
}

bool kube_watch_parser_feed(void *ctx, const char *bytes, size_t len)
{
	struct kube_watch_parser *watch = ctx;
	const char *end = bytes + len;

	while (bytes < end && !watch->failed) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

		buf_add(&watch->line, bytes, (size_t)((newline ? newline : end) - bytes));
		watch->failed = newline ? take_line(watch) : buf_check(&watch->line, &watch->error);
		if (newline)
			forget_line(&watch->line);
		bytes = newline ? newline + 1 : end;
	}
	return !watch->failed;
}
