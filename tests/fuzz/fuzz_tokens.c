/* The file of tokens: parsed, or rejected with the line; parsed tokens are found by their hash, and by nothing else. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/http/tokens.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_free struct tokens *tokens = NULL;
	struct error err = { .rc = RC_OK };

	if (tokens_parse(text, &tokens, &err)) {
		FUZZ_CHECK(strncmp(err.text, "line ", 5) == 0 || strstr(err.text, "no token"));
		return 0;
	}
	FUZZ_CHECK(tokens->count >= 1 && tokens->count <= TOKENS_MAX);
	for (size_t i = 0; i < tokens->count; i++) {
		FUZZ_CHECK(tokens->token[i].name[0]);
		FUZZ_CHECK(tokens_find(tokens, tokens->token[i].hash) == &tokens->token[i]);
	}
	return 0;
}
