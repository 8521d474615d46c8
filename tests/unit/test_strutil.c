#include <criterion/criterion.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"

Test(strutil, integers_are_parsed)
{
	static const struct {
		const char *text;
		bool good;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },    { "-5", true, -5 },  { "9223372036854775807", true, INT64_MAX },
		{ "", false, 0 },    { "-", false, 0 },   { "9223372036854775808", false, 0 },
		{ "+1", false, 0 },  { " 1", false, 0 },  { "1 ", false, 0 },
		{ "1e3", false, 0 }, { "0x1", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 42;

		cr_expect_eq(str_parse_int64(cases[i].text, &value), cases[i].good, "'%s'", cases[i].text);
		cr_expect_eq(value, cases[i].good ? cases[i].value : 42, "'%s'", cases[i].text);
	}
}

Test(strutil, utf8_is_validated)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "plain", true },
		{ "\xC3\xA9", true },
		{ "\xE2\x82\xAC", true },
		{ "\xF0\x9F\x98\x80", true },
		{ "\xC0\x80", false },
		{ "\xC3", false },
		{ "\xE2\x82", false },
		{ "\xED\xA0\x80", false },
		{ "\xF4\x90\x80\x80", false },
		{ "\xF5\x80\x80\x80", false },
		{ "\x80", false },
		{ "\xE0\x80\x80", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].good, "case %zu", i);
}

Test(strutil, percent_encoding_round_trips)
{
	struct buf b cleanup_buf = buf_make(100);
	struct buf back cleanup_buf = buf_make(100);

	percent_encode(&b, "a b/c%~\xC3\xA9");
	cr_expect_str_eq(b.data, "a%20b%2Fc%25~%C3%A9");
	cr_expect(percent_decode(&back, b.data, b.len));
	cr_expect_str_eq(back.data, "a b/c%~\xC3\xA9");
	cr_expect_not(percent_decode(&back, "%00", 3));
	cr_expect_not(percent_decode(&back, "%4", 2));
	cr_expect_not(percent_decode(&back, "%zz", 3));
}
