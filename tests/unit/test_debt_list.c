#include <criterion/criterion.h>

#include "kube-worker/debt/debt_list.h"

static const struct due_case {
	enum caller_word word;
	bool by_key;
	int64_t seen_ms, lost_ms, left_ms;
	bool due;
} due_cases[] = {
	{ CALLER_OPEN, false, 1000000000, 0, 1, false }, { CALLER_SETTLED, false, 1000000000, 0, 1, false },
	{ CALLER_OVER, false, 0, 0, 30000, true },       { CALLER_OVER, true, 40000, 29999, 30000, false },
	{ CALLER_OVER, true, 0, 30000, 30000, true },    { CALLER_GONE, false, 9999999, 4999, 30000, false },
	{ CALLER_GONE, false, 0, 5000, 30000, true },    { CALLER_GONE, true, 0, 29999, 30000, false },
	{ CALLER_GONE, true, 0, 30000, 30000, true },    { CALLER_SILENT, false, 34999, 0, 30000, false },
	{ CALLER_SILENT, false, 35000, 0, 30000, true }, { CALLER_SILENT, true, 35000, 0, 30000, true },
	{ CALLER_SILENT, false, 300000, 0, 0, false },
};

Test(debt_list, a_debt_is_due_after_its_timeout)
{
	for (size_t i = 0; i < ARRAY_LEN(due_cases); i++) {
		const struct due_case *c = &due_cases[i];

		cr_expect_eq(debt_list_is_due(c->word, c->by_key, c->seen_ms, c->lost_ms, c->left_ms), c->due,
			     "case %zu", i);
	}
}
