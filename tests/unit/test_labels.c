#include <criterion/criterion.h>

#include "common/base/compiler.h"
#include "common/container/labels.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

Test(labels, keys_and_values_are_validated_like_kubernetes_does)
{
	static const struct {
		const char *text;
		bool key_good, value_good;
	} cases[] = {
		{ "app", true, true },
		{ "", false, true },
		{ L63, true, true },
		{ L63 "h", false, false },
		{ "a.b_c-d", true, true },
		{ "-a", false, false },
		{ "a-", false, false },
		{ "a b", false, false },
		{ "example.com/app", true, false },
		{ "ex-ample.com/App", true, false },
		{ "Example.com/app", false, false },
		{ "example..com/app", false, false },
		{ "-example.com/app", false, false },
		{ "example-.com/app", false, false },
		{ "example.com/", false, false },
		{ "/app", false, false },
		{ "a/b/c", false, false },
		{ "\xC3\xA9", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(label_key_fault(cases[i].text) == NULL, cases[i].key_good, "key '%s'", cases[i].text);
		cr_expect_eq(label_value_fault(cases[i].text) == NULL, cases[i].value_good, "value '%s'",
			     cases[i].text);
	}
}
