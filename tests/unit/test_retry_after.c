#include <criterion/criterion.h>

#include "common/base/compiler.h"
#include "common/base/retry_after.h"

static const struct {
	const char *value;
	int seconds;
} retry_after_rows[] = {
	{ "0", 0 },
	{ " 7\r\n", 7 },
	{ "\t59 ", 59 },
	{ "060", 60 },
	{ "61", 60 },
	{ "86399", 60 },
	{ "2147483648", 60 },
	{ "9223372036854775808", 60 },
	{ "99999999999999999999999999999999", 60 },
	{ "-1", 0 },
	{ "+1", 0 },
	{ "1.5", 0 },
	{ "1e3", 0 },
	{ "7 7", 0 },
	{ "", 0 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
};

Test(retry_after, is_parsed_and_limited_to_a_minute)
{
	for (size_t i = 0; i < ARRAY_LEN(retry_after_rows); i++)
		cr_expect_eq(retry_after_parse(retry_after_rows[i].value), retry_after_rows[i].seconds, "'%s'",
			     retry_after_rows[i].value);
	cr_expect_eq(retry_after_grant(INT64_MAX), 60);
	cr_expect_eq(retry_after_grant(INT64_MIN), 0);
}
