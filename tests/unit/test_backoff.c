#include <criterion/criterion.h>

#include "common/base/backoff.h"
#include "common/base/compiler.h"

Test(backoff, doubles_up_to_the_maximum_and_restarts_after_a_reset)
{
	struct backoff b = { .first_ms = 100, .max_ms = 1000 };
	static const int64_t base[] = { 100, 200, 400, 800, 1000, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(base); i++) {
		int64_t delay = backoff_next_ms(&b);

		cr_expect(delay >= base[i] && delay <= base[i] + base[i] / 2, "step %zu: %ld", i, (long)delay);
	}
	backoff_reset(&b);
	cr_expect_lt(backoff_next_ms(&b), 151);
}
