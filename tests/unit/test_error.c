#include <criterion/criterion.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/strutil.h"

Test(error, wrap_prepends_the_context_and_keeps_retry_after)
{
	struct error err;

	error_set(&err, RC_UNAVAILABLE, "no answer");
	err.retry_after_s = 7;
	cr_expect_eq(error_wrap(&err, RC_TIMEOUT, "get pod '%s'", "x"), RC_TIMEOUT);
	cr_expect_str_eq(err.text, "get pod 'x': no answer");
	cr_expect_eq(err.retry_after_s, 7);
	cr_expect_eq(error_set(NULL, RC_INTERNAL, "discarded"), RC_INTERNAL);
}

Test(error, long_text_is_truncated_at_a_character_boundary)
{
	char text[600] = "";
	struct error err;

	for (size_t i = 0; i < 299; i++)
		memcpy(text + 2 * i, "\xC3\xA9", 3);
	error_set(&err, RC_INTERNAL, "x%s", text);
	cr_expect(utf8_valid(err.text, strlen(err.text)));
	cr_expect_geq(strlen(err.text), ERROR_TEXT_MAX - 3);
}

Test(error, code_names_round_trip)
{
	for (int rc = 0; rc < RC_COUNT; rc++)
		cr_expect_eq(rc_from_name(rc_name((enum rc)rc)), (enum rc)rc, "%d", rc);
	cr_expect_eq(rc_from_name("FROM_THE_FUTURE"), RC_INTERNAL);
}
