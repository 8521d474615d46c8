#include <criterion/criterion.h>

#include "common/base/compiler.h"
#include "common/base/duration.h"

Test(duration, uses_the_format_of_go)
{
	static const struct {
		const char *text;
		bool good;
		int64_t ms;
	} cases[] = {
		{ "0", true, 0 },
		{ "500ms", true, 500 },
		{ "15s", true, 15000 },
		{ "10m", true, 600000 },
		{ "1h30m", true, 5400000 },
		{ "1.5s", true, 1500 },
		{ ".5s", true, 500 },
		{ "2us", true, 0 },
		{ "1h1m1s1ms", true, 3661001 },
		{ "", false, 0 },
		{ "15", false, 0 },
		{ "s", false, 0 },
		{ "-1s", false, 0 },
		{ "1 s", false, 0 },
		{ "1d", false, 0 },
		{ "9999999999h", false, 0 },
		{ "1s5", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 0;

		cr_expect_eq(duration_parse_ms(cases[i].text, &ms), cases[i].good, "'%s'", cases[i].text);
		cr_expect_eq(ms, cases[i].ms, "'%s'", cases[i].text);
	}
}
