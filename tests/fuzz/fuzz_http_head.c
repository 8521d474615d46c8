/*
 * The head of a response to an upgrade request, and its values: nothing beyond the input is read.
 */
#include <string.h>

#include "common/base/compiler.h"
#include "common/http/http_head.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "Upgrade", "Sec-WebSocket-Accept", "Content-Length", "x" };
	const char *bytes = (const char *)data;
	char value[64];
	int status = 0;
	size_t len = 0;
	enum http_head_state state = http_head_read(bytes, size, &status, &len);

	if (state != HTTP_HEAD_COMPLETE)
		return 0;
	FUZZ_CHECK(len <= size && len <= HTTP_HEAD_MAX && status >= 0 && status <= 999);
	FUZZ_CHECK(http_head_read(bytes, len, &status, &len) == HTTP_HEAD_COMPLETE);
	FUZZ_CHECK(http_head_read(bytes, len - 1, &status, &len) == HTTP_HEAD_INCOMPLETE);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (http_head_value(bytes, len, names[i], value, sizeof(value)))
			FUZZ_CHECK(strlen(value) < sizeof(value) && !strpbrk(value, "\r\n"));
	return 0;
}
