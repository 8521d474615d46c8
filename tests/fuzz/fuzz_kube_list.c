/* A list, split anywhere (the first byte selects the sizes): the output does not depend on that. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_list_parser.h"
#include "tests/fuzz/fuzz.h"

#define ITEMS_TEXT_MAX (1024u * 1024)

struct told {
	struct buf items; /* the output, concatenated */
	enum rc rc;
	char *token;
	char *version;
};

static enum rc note_item(void *ctx, const cJSON *item, struct error *err unused)
{
	const char *name = json_string_at(item, "metadata.name");

	FUZZ_CHECK(cJSON_IsObject(item));
	buf_addf(ctx, "%s|", name ? name : "");
	return RC_OK;
}

static struct told read_list(const uint8_t *data, size_t size, size_t piece)
{
	struct told told = { .items = buf_make(ITEMS_TEXT_MAX) };
	struct kube_list_parser list = kube_list_parser_make(note_item, &told.items);

	for (size_t at = 0; at < size; at += piece)
		if (!kube_list_parser_feed(&list, (const char *)data + at, size - at < piece ? size - at : piece))
			break;
	told.rc = kube_list_parser_finish(&list, &told.token, &told.version, NULL);
	FUZZ_CHECK(told.rc != RC_INVALID_ARGUMENT && told.rc != RC_TOO_LARGE);
	kube_list_parser_clear(&list);
	return told;
}

static void told_clear(struct told *told)
{
	buf_clear(&told->items);
	free(told->token);
	free(told->version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole;
	struct told cut;

	if (size < 1)
		return 0;
	whole = read_list(data + 1, size - 1, size);
	cut = read_list(data + 1, size - 1, data[0] ? data[0] : 1);
	FUZZ_CHECK(whole.rc == cut.rc);
	FUZZ_CHECK(strcmp(whole.items.data, cut.items.data) == 0);
	FUZZ_CHECK(str_equal(whole.token, cut.token) && str_equal(whole.version, cut.version));
	told_clear(&whole);
	told_clear(&cut);
	return 0;
}
