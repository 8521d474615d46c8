/* The request target: every text is parsed or rejected; parsed parts are UTF-8 and within the limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/router.h"
#include "common/base/strutil.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text)
{
	FUZZ_CHECK(utf8_valid(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct target target cleanup_target = { .path = NULL };
	struct router_match match;
	struct error err;

	if (!text || target_parse(text, &target, &err))
		return 0;
	for (size_t i = 0; i < target.segment_count && i < TARGET_SEGMENTS_MAX; i++)
		check_text(target.segments[i]);
	FUZZ_CHECK(target.query_count <= TARGET_QUERY_MAX);
	for (size_t i = 0; i < target.query_count; i++) {
		check_text(target.query[i].name);
		check_text(target.query[i].value);
	}
	FUZZ_CHECK(target.path && target.path[0] == '/');
	(void)router_find("GET", &target, &match);
	return 0;
}
