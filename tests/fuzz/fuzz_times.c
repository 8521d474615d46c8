/* Times: parsed times have a year of four digits, and are unchanged after formatting. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"
#include "tests/fuzz/fuzz.h"

#define UNTOUCHED INT64_MIN
#define FIRST_MS (-62167219200000 - 86400000) /* year 0, and a day for the offset */
#define LAST_MS (253402300800000 + 86400000)  /* year 10000 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char shown[CLOCK_RFC3339_MAX];
	int64_t ms = UNTOUCHED;
	int64_t again = UNTOUCHED;

	if (!text)
		return 0;
	if (!clock_parse_rfc3339(text, &ms)) {
		FUZZ_CHECK(ms == UNTOUCHED);
		return 0;
	}
	FUZZ_CHECK(ms >= FIRST_MS && ms < LAST_MS);
	FUZZ_CHECK(strspn(text, "0123456789-+:.TtZz") == strlen(text));
	clock_format_rfc3339(ms, true, shown);
	if (ms >= 0 && ms < LAST_MS - 2 * 86400000)
		FUZZ_CHECK(clock_parse_rfc3339(shown, &again) && again == ms);
	return 0;
}
