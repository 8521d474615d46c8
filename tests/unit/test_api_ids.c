#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "api-svc/api_ids.h"

struct text_case {
	const char *text;
	bool good;
};

static const struct text_case traceparents[] = {
	{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true },
	{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true },
	{ "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false },
	{ "00-00000000000000000000000000000000-b7ad6b7169203331-01", false },
	{ "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false },
	{ "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false },
	{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false },
	{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false },
	{ "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false },
	{ "", false },
	{ NULL, false },
};

Test(api_ids, traceparents_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(traceparents); i++)
		cr_expect_eq(api_ids_is_traceparent(traceparents[i].text), traceparents[i].good, "%s",
			     traceparents[i].text);
}

Test(api_ids, request_ids_are_validated)
{
	char longest[PROTOCOL_REQUEST_ID_MAX + 2];

	cr_expect(api_ids_is_request_id("a"));
	cr_expect(api_ids_is_request_id("!~"));
	cr_expect_not(api_ids_is_request_id(""));
	cr_expect_not(api_ids_is_request_id(NULL));
	cr_expect_not(api_ids_is_request_id("a b"));
	cr_expect_not(api_ids_is_request_id("a\x7f"));
	cr_expect_not(api_ids_is_request_id("\xc3\xa4"));
	memset(longest, 'x', sizeof(longest));
	longest[PROTOCOL_REQUEST_ID_MAX] = '\0';
	cr_expect(api_ids_is_request_id(longest));
	longest[PROTOCOL_REQUEST_ID_MAX] = 'x';
	longest[PROTOCOL_REQUEST_ID_MAX + 1] = '\0';
	cr_expect_not(api_ids_is_request_id(longest));
}

Test(api_ids, a_key_token_is_the_hash_of_the_key_and_a_request_token_is_random)
{
	char a[PROTOCOL_TOKEN_MAX];
	char b[PROTOCOL_TOKEN_MAX];

	cr_assert(api_ids_key_token("abc", a));
	cr_expect_str_eq(a, "key:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cr_assert(api_ids_request_token(a));
	cr_assert(api_ids_request_token(b));
	cr_expect_eq(strncmp(a, "req:", 4), 0);
	cr_expect_eq(strlen(a), 40);
	cr_expect_str_neq(a, b);
}

Test(api_ids, the_id_derived_from_a_key_is_stable)
{
	char a[CRYPTO_UUID_MAX];
	char b[CRYPTO_UUID_MAX];

	cr_assert(api_ids_from_key("provider", "key", a));
	cr_assert(api_ids_from_key("provider", "key", b));
	cr_expect_str_eq(a, b);
	cr_expect_eq(a[14], '8');
	cr_assert(api_ids_from_key("provide", "rkey", b));
	cr_expect_str_neq(a, b);
	cr_assert(api_ids_from_key("provider", "key2", b));
	cr_expect_str_neq(a, b);
}
