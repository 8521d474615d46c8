#include <criterion/criterion.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"

struct sha_case {
	const char *text;
	const char *hex;
};

/* FIPS 180-4 examples. */
static const struct sha_case sha_cases[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

Test(crypto, sha256_matches_the_examples_of_the_standard)
{
	for (size_t i = 0; i < ARRAY_LEN(sha_cases); i++) {
		char hex[2 * CRYPTO_SHA256_SIZE + 1];

		cr_assert(crypto_sha256_hex(sha_cases[i].text, strlen(sha_cases[i].text), CRYPTO_SHA256_SIZE, hex));
		cr_expect_str_eq(hex, sha_cases[i].hex, "'%s'", sha_cases[i].text);
	}
}

struct base64_case {
	const char *plain;
	const char *standard;
	const char *url;
};

/* RFC 4648 section 10, and the letters in which the alphabets differ. */
static const struct base64_case base64_cases[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/", "-_-_" },
};

Test(crypto, base64_round_trip)
{
	for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
		const struct base64_case *c = &base64_cases[i];
		const char *texts[] = { c->standard, c->url };

		for (int alphabet = 0; alphabet < 2; alphabet++) {
			struct buf text cleanup_buf = buf_make(100);
			struct buf plain cleanup_buf = buf_make(100);

			crypto_base64_encode((enum crypto_base64)alphabet, c->plain, strlen(c->plain), &text);
			cr_expect_str_eq(text.data, texts[alphabet]);
			cr_expect(crypto_base64_decode((enum crypto_base64)alphabet, text.data, text.len, &plain));
			cr_expect_str_eq(plain.data, c->plain, "decoding '%s'", text.data);
		}
	}
}

struct decode_case {
	const char *text;
	const char *plain; /* NULL: rejected */
};

static const struct decode_case decode_cases[] = {
	{ "Zm9v\nYmFy\r\n", "foobar" },
	{ " Z m 8 = ", "fo" },
	{ "Zm8", "fo" },
	{ "Zm8==", NULL },
	{ "Zg=", NULL },
	{ "Zg===", NULL },
	{ "=", NULL },
	{ "====", NULL },
	{ "Z", NULL },
	{ "Zm9vZ", NULL },
	{ "Zm9=", NULL },
	{ "Zh==", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zm9*", NULL },
	{ "-_-_", NULL },
};

Test(crypto, decoding_is_strict_except_for_white_space_and_padding)
{
	for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++) {
		const struct decode_case *c = &decode_cases[i];
		struct buf plain cleanup_buf = buf_make(100);
		bool good = crypto_base64_decode(CRYPTO_BASE64_STANDARD, c->text, strlen(c->text), &plain);

		cr_expect_eq(good, c->plain != NULL, "'%s'", c->text);
		if (c->plain)
			cr_expect_str_eq(plain.data, c->plain, "'%s'", c->text);
	}
}

Test(crypto, a_nul_byte_is_invalid_in_base64)
{
	struct buf plain cleanup_buf = buf_make(100);

	cr_expect_not(crypto_base64_decode(CRYPTO_BASE64_STANDARD, "Zm9\0", 4, &plain));
}

Test(crypto, random_uuids_are_version_4_and_unique)
{
	char a[CRYPTO_UUID_MAX];
	char b[CRYPTO_UUID_MAX];

	cr_assert(crypto_random_uuid(a));
	cr_assert(crypto_random_uuid(b));
	cr_expect_eq(strlen(a), 36);
	cr_expect_eq(a[14], '4');
	cr_expect(strchr("89ab", a[19]) != NULL);
	cr_expect_eq(strspn(a, "0123456789abcdef-"), 36);
	cr_expect_str_neq(a, b);
}

Test(crypto, a_uuid_from_bytes_has_version_and_variant)
{
	unsigned char bytes[16];
	char text[CRYPTO_UUID_MAX];

	memset(bytes, 0xff, sizeof(bytes));
	crypto_format_uuid(bytes, 8, text);
	cr_expect_str_eq(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
}
