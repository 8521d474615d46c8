#include <criterion/criterion.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"
#include "kube-worker/list/page_token.h"

Test(page_token, round_trips_and_rejects_other_tokens)
{
	struct page_position position cleanup_page_position = { .kube_token = str_dup("eyJ2"),
								.after = str_dup("web-7") };
	struct buf token cleanup_buf = buf_make(1000);
	struct page_position back cleanup_page_position = { 0 };
	struct page_position none = { 0 };
	static const char *const bad[] = { "x", "AAAAAAAAAAAAAAAAAAAA", "%%%", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ" };

	cr_assert_eq(page_token_encode(&position, "p\nns", &token, NULL), RC_OK);
	cr_assert_eq(page_token_decode(token.data, "p\nns", &back, NULL), RC_OK);
	cr_expect_str_eq(back.kube_token, "eyJ2");
	cr_expect_str_eq(back.after, "web-7");
	cr_expect_null(back.keys);
	cr_expect_eq(page_token_decode(token.data, "other\nns", &none, NULL), RC_INVALID_ARGUMENT);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(page_token_decode(bad[i], "p\nns", &none, NULL), RC_INVALID_ARGUMENT, "%s", bad[i]);
	token.data[3] ^= 1;
	cr_expect_eq(page_token_decode(token.data, "p\nns", &none, NULL), RC_INVALID_ARGUMENT);
	cr_expect_eq(page_token_decode("", "p\nns", &none, NULL), RC_OK);
	cr_expect_str_eq(none.after, "");
	page_position_clear(&none);
}

Test(page_token, has_the_sort_keys_of_the_last_container)
{
	struct page_position position cleanup_page_position = { .kube_token = str_dup(""),
								.after = str_dup("web-7"),
								.keys = cJSON_Parse("[\"1767323045000\",\"web\"]") };
	struct buf token cleanup_buf = buf_make(1000);
	struct page_position back cleanup_page_position = { 0 };

	cr_assert_eq(page_token_encode(&position, "p", &token, NULL), RC_OK);
	cr_assert_eq(page_token_decode(token.data, "p", &back, NULL), RC_OK);
	cr_expect(cJSON_Compare(back.keys, position.keys, true));
}
