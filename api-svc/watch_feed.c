#include "api-svc/watch_feed.h"

#include <stdlib.h>
#include <string.h>

#include "common/container/list_subject.h"
#include "common/protocol.h"

struct watch_feed watch_feed_make(void)
{
	return (struct watch_feed){ .line = buf_make(PROTOCOL_WATCH_LINE_MAX) };
}

void watch_feed_clear(struct watch_feed *feed)
{
	buf_clear(&feed->line);
}

static enum rc refuse(struct error *err)
{
	return error_set(err, RC_INTERNAL, "a worker sent malformed data about containers");
}

static enum rc take_container(const struct watch_feed *feed, const cJSON *tree, const char *line, size_t len,
			      struct change_list *list, struct error *err)
{
	struct list_subject *subject = NULL;
	enum rc rc = list_subject_read(tree, &subject, err);

	if (rc == RC_INVALID_ARGUMENT || (!feed->in_snapshot && !feed->synced)) {
		free(subject);
		return refuse(err);
	}
	if (!rc)
		rc = change_list_put(list, subject->instance_id, line, len, subject, err);
	if (rc)
		free(subject);
	return rc;
}

static enum rc take_line(struct watch_feed *feed, const char *line, size_t len, struct change_list *list,
			 struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	const char *gone;
	enum rc rc = json_parse(line, len, &tree, err);

	if (rc)
		return rc == RC_INVALID_ARGUMENT ? refuse(err) : rc;
	gone = json_string_at(tree, "gone");
	if (json_true_at(tree, "snapshot")) {
		feed->in_snapshot = true;
		change_list_begin_snapshot(list);
	} else if (json_true_at(tree, "synced") && feed->in_snapshot) {
		feed->in_snapshot = false;
		feed->synced = true;
		change_list_end_snapshot(list);
	} else if (gone && feed->synced && !feed->in_snapshot) {
		change_list_remove(list, gone);
	} else {
		return take_container(feed, tree, line, len, list, err);
	}
	return RC_OK;
}

enum rc watch_feed_add(struct watch_feed *feed, const char *bytes, size_t len, struct change_list *list,
		       struct error *err)
{
	const char *at = bytes;
	const char *end = bytes + len;
	const char *newline;
	enum rc rc = RC_OK;

	while (!rc && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (feed->line.len) {
			buf_add(&feed->line, at, (size_t)(newline - at));
			rc = buf_check(&feed->line, err);
			if (!rc)
				rc = take_line(feed, feed->line.data, feed->line.len, list, err);
			buf_clear(&feed->line);
		} else {
			rc = take_line(feed, at, (size_t)(newline - at), list, err);
		}
		at = newline + 1;
	}
	if (rc)
		return rc;
	buf_add(&feed->line, at, (size_t)(end - at));
	return buf_check(&feed->line, err);
}
