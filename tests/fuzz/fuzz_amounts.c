/* Quantities, durations and Retry-After: a number within its bounds, or an error. */
#include <string.h>

#include "common/base/duration.h"
#include "common/base/retry_after.h"
#include "common/container/quantity.h"
#include "tests/fuzz/fuzz.h"

#define UNTOUCHED (-7)
#define CENTURY_MS (100LL * 366 * 24 * 3600 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_json cJSON *value = text ? cJSON_CreateString(text) : NULL;
	int64_t whole = UNTOUCHED;
	int64_t milli = UNTOUCHED;
	int64_t cpu = UNTOUCHED;
	int64_t bytes = UNTOUCHED;
	int64_t ms = UNTOUCHED;
	int wait_s;

	if (!value)
		return 0;
	FUZZ_CHECK(quantity_parse(text, 1, &whole) || whole == UNTOUCHED);
	if (quantity_parse(text, 1000, &milli))
		FUZZ_CHECK(whole >= milli / 1000); /* rounded up */
	FUZZ_CHECK(quantity_parse_cpu(value, &cpu) ? cpu > 0 && cpu == milli : cpu == UNTOUCHED);
	FUZZ_CHECK(quantity_parse_memory(text, &bytes) ? bytes > 0 && bytes % (1 << 20) == 0 : bytes == UNTOUCHED);
	FUZZ_CHECK(duration_parse_ms(text, &ms) ? ms >= 0 && ms <= CENTURY_MS : ms == UNTOUCHED);
	wait_s = retry_after_parse(text);
	FUZZ_CHECK(wait_s >= 0 && wait_s <= RETRY_AFTER_MAX_S);
	return 0;
}
