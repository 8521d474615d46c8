/* Filters and orders of lists: rejected with a position, or usable; nothing leaks after an error. */
#include <string.h>

#include "common/container/labels.h"
#include "common/container/list_filter.h"
#include "common/container/list_order.h"
#include "tests/fuzz/fuzz.h"

static const struct list_subject subjects[] = {
	{ .name = "", .instance_id = "", .spec_name = "", .image = "", .labels = "" },
	{ .name = "a",
	  .instance_id = "a",
	  .spec_name = "web",
	  .image = "nginx:1",
	  .labels = "team=shop\0empty=\0",
	  .created_ms = 1767323045000 },
};

static void check_filter(const char *text)
{
	struct list_filter *filter cleanup_list_filter = NULL;
	struct buf selector cleanup_buf = buf_make(LIST_SELECTOR_MAX);
	struct error err = { .rc = RC_OK };
	bool all;

	if (list_filter_parse(text, &filter, &err)) {
		FUZZ_CHECK(err.rc == RC_INVALID_ARGUMENT && err.text[0] && !filter);
		return;
	}
	FUZZ_CHECK(strlen(text) <= LIST_FILTER_MAX);
	all = list_filter_select(filter, &selector);
	FUZZ_CHECK(!selector.failed && (!all || selector.len > 0));
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		struct list_subject subject = subjects[i];

		for (int status = 0; status < CONTAINER_DELETED; status++) {
			subject.status = (enum container_status)status;
			(void)list_filter_matches(filter, &subject);
		}
	}
}

static void check_order(const char *text)
{
	const struct list_subject a = subjects[0];
	const struct list_subject b = subjects[1];
	struct list_order order = { .count = 0 };
	struct error err = { .rc = RC_OK };

	if (list_order_parse(text, &order, &err)) {
		FUZZ_CHECK(err.rc == RC_INVALID_ARGUMENT && err.text[0] && order.count == 0);
		return;
	}
	FUZZ_CHECK(order.count >= 1 && order.count <= LIST_FIELD_COUNT);
	FUZZ_CHECK((list_order_compare(&order, &a, &b) < 0) == (list_order_compare(&order, &b, &a) > 0));
	FUZZ_CHECK(list_order_compare(&order, &a, &a) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	check_filter(text);
	check_order(text);
	return 0;
}
