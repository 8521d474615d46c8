/* Accept headers: OpenMetrics is selected only if it is named, and adding a range of weight 0 changes nothing. */
#include <string.h>

#include "common/base/buf.h"
#include "common/base/compiler.h"
#include "common/base/media_range.h"
#include "common/services/metrics_text.h"
#include "tests/fuzz/fuzz.h"

#define MORE ",text/html;q=0.3"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct buf longer cleanup_buf = buf_make(size + sizeof(MORE));
	enum metrics_format format;

	if (!text)
		return 0;
	format = metrics_text_format_of(text);
	if (format == METRICS_OPENMETRICS)
		FUZZ_CHECK(strcasestr(text, "application/openmetrics-text"));
	FUZZ_CHECK(media_range_weight(text, "*/*") >= -1 && media_range_weight(text, "*/*") <= 1000);
	buf_add_str(&longer, text);
	buf_add_str(&longer, MORE);
	FUZZ_CHECK(metrics_text_format_of(longer.data) == format);
	return 0;
}
