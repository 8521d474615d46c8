/* The agent's stored message, raw and as base64: only a valid id is returned, and only for the requested key. */
#include <string.h>

#include "common/adapters/crypto.h"
#include "kube-worker/agent_requests.h"
#include "tests/fuzz/fuzz.h"

#define KEY "key-1"

static void check(const char *base64)
{
	char id[PROTOCOL_ID_MAX + 1] = "";
	struct error err = { .rc = RC_OK };
	enum rc rc = agent_requests_read(base64, KEY, id, &err);

	FUZZ_CHECK(rc == RC_OK || rc == RC_NOT_FOUND || (rc == RC_INVALID_ARGUMENT && err.text[0]));
	FUZZ_CHECK(rc == RC_OK ? protocol_is_id(id) : !id[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct buf base64 cleanup_buf = buf_make(4 * size + 16);

	if (!text)
		return 0;
	check(text);
	crypto_base64_encode(CRYPTO_BASE64_STANDARD, data, size, &base64);
	if (base64.data && !base64.failed)
		check(base64.data);
	return 0;
}
