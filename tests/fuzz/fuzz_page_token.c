/* Page tokens: foreign ones are rejected; our own, made from the input, are accepted only in their scope. */
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/list/page_token.h"
#include "tests/fuzz/fuzz.h"

#define SCOPE "provider\nnamespace"

static void check_round_trip(char *text)
{
	char *rest = text;
	char *kube_token = strsep(&rest, "\n");
	struct page_position position = { .kube_token = kube_token, .after = rest ? rest : kube_token };
	struct page_position back cleanup_page_position = { 0 };
	struct buf token cleanup_buf = buf_make(65536);

	if (!utf8_valid(kube_token, strlen(kube_token)) || !utf8_valid(position.after, strlen(position.after)) ||
	    page_token_encode(&position, SCOPE, &token, NULL))
		return;
	FUZZ_CHECK(page_token_decode(token.data, SCOPE "2", &back, NULL) == RC_INVALID_ARGUMENT);
	FUZZ_CHECK(page_token_decode(token.data, SCOPE, &back, NULL) == RC_OK);
	FUZZ_CHECK(str_equal(back.kube_token, kube_token) && str_equal(back.after, position.after));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct page_position position cleanup_page_position = { 0 };
	struct error err = { .rc = RC_OK };

	if (!text)
		return 0;
	if (page_token_decode(text, SCOPE, &position, &err))
		FUZZ_CHECK(err.rc == RC_INVALID_ARGUMENT && !position.kube_token && !position.after);
	else
		FUZZ_CHECK(position.kube_token && position.after);
	check_round_trip(text);
	return 0;
}
