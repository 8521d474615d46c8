#include <criterion/criterion.h>

#include "common/base/buf.h"

Test(buf, grows_and_stays_nul_terminated)
{
	struct buf b cleanup_buf = buf_make(100000);

	for (int i = 0; i < 10000; i++)
		buf_add_str(&b, "1234567890");
	cr_expect_eq(b.len, 100000);
	cr_expect_eq(b.data[b.len], '\0');
	cr_expect_eq(buf_check(&b, NULL), RC_OK);
}

Test(buf, a_failure_is_sticky_and_empties_the_buffer)
{
	struct buf b cleanup_buf = buf_make(4);
	struct error err;

	buf_add_str(&b, "abc");
	buf_add_str(&b, "de");
	buf_add_str(&b, "f");
	cr_expect_eq(buf_check(&b, &err), RC_TOO_LARGE);
	cr_expect_eq(b.len, 0);
	cr_expect_str_eq(b.data, "");
	buf_reset(&b);
	buf_add_str(&b, "abcd");
	cr_expect_str_eq(b.data, "abcd");
}

Test(buf, consume_and_truncate)
{
	struct buf b cleanup_buf = buf_make(100);

	buf_add_str(&b, "hello world");
	buf_consume(&b, 6);
	cr_expect_str_eq(b.data, "world");
	buf_truncate(&b, 2);
	cr_expect_str_eq(b.data, "wo");
	buf_consume(&b, 99);
	cr_expect_str_eq(b.data, "");
}

Test(buf, taking_an_empty_buffer_returns_an_empty_string)
{
	struct buf b cleanup_buf = buf_make(100);
	cleanup_free char *text = buf_take(&b, NULL);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, "");
}
