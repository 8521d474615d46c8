/* A watch, split anywhere (the first byte selects the sizes): the output does not depend on that. */
#include <string.h>

#include "common/base/retry_after.h"
#include "common/kube/kube_json.h"
#include "common/kube/kube_watch_parser.h"
#include "tests/fuzz/fuzz.h"

#define EVENTS_TEXT_MAX (1024u * 1024)

static enum rc note_event(void *ctx, enum kube_event event, const cJSON *object, struct error *err)
{
	const char *version = json_string_at(object, "metadata.resourceVersion");
	int wait_s = kube_json_retry_after_s(object);

	FUZZ_CHECK(wait_s >= 0 && wait_s <= RETRY_AFTER_MAX_S);
	buf_addf(ctx, "%d %s %d|", (int)event, version ? version : "", wait_s);
	return event == KUBE_ERROR ? error_set(err, RC_EXPIRED, "the end") : RC_OK;
}

static enum rc read_watch(const uint8_t *data, size_t size, size_t piece, struct buf *events)
{
	struct kube_watch_parser watch = kube_watch_parser_make(note_event, events);
	enum rc rc;

	for (size_t at = 0; at < size; at += piece)
		if (!kube_watch_parser_feed(&watch, (const char *)data + at, size - at < piece ? size - at : piece))
			break;
	rc = watch.failed;
	kube_watch_parser_clear(&watch);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole cleanup_buf = buf_make(EVENTS_TEXT_MAX);
	struct buf cut cleanup_buf = buf_make(EVENTS_TEXT_MAX);

	if (size < 1)
		return 0;
	FUZZ_CHECK(read_watch(data + 1, size - 1, size, &whole) ==
		   read_watch(data + 1, size - 1, data[0] ? data[0] : 1, &cut));
	FUZZ_CHECK(strcmp(whole.data, cut.data) == 0);
	return 0;
}
