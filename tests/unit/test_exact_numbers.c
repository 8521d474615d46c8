#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/document/exact_numbers.h"

struct number_case {
	const char *text;
	const char *pointer; /* of the only fault; NULL: none */
};

static const struct number_case cases[] = {
	{ "[0, -0, 1, -1, 1.5, 0.1, -0.0, 1.0, 100, 1e3, 12E-1, 0e99999999]", NULL },
	{ "3.14159265358979323846", NULL }, /* a fraction: the precision of a double */
	{ "0.30000000000000004", NULL },
	{ "9007199254740992", NULL },
	{ "9007199254740994", NULL }, /* even: a double holds it, and it is printed unchanged */
	{ "9007199254740993", "" },
	{ "9007199254740993.0", "" },
	{ "9345656789347893.4", "" },
	{ "9345656789347894", NULL },
	{ "123456789012345678e0", "" },
	{ "1e22", NULL },
	{ "1e23", NULL },
	{ "18446744073709551616", "" }, /* 2^64: a double holds it, but its shortest text is another number */
	{ "0.99999999999999999999", "" },
	{ "1.0000000000000000000000000000", NULL },
	{ "5e-324", NULL },
	{ "1e-400", "" },
	{ "1e400", "" },
	{ "-1e400", "" },
	{ "{\"a\":{\"b/c\":[1,{\"~\\u00e4\":[[],9007199254740993]}]}}", "/a/b~1c/1/~0\xC3\xA4/1" },
	{ "{\"a\\\"\":1,\"b\":9007199254740993,\"c\":\"9007199254740993\"}", "/b" },
	{ "[{},[],true,false,null,\"e1\",9007199254740993]", "/6" },
};

Test(exact_numbers, numbers_that_a_double_would_change_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct faults faults cleanup_faults = { .count = 0 };

		exact_numbers_check(cases[i].text, strlen(cases[i].text), &faults);
		cr_expect_eq(faults.count, cases[i].pointer ? 1 : 0, "%s", cases[i].text);
		if (faults.count == 1 && cases[i].pointer)
			cr_expect_str_eq(faults.items[0].pointer, cases[i].pointer, "%s", cases[i].text);
	}
}

Test(exact_numbers, all_faults_are_reported)
{
	static const char text[] = "[9007199254740993,1,1e400]";
	struct faults faults cleanup_faults = { .count = 0 };

	exact_numbers_check(text, strlen(text), &faults);
	cr_assert_eq(faults.count, 2);
	cr_expect_str_eq(faults.items[1].pointer, "/2");
}
