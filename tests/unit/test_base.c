/* buf, strutil, clock, duration, backoff, retry_after, error: what everything else stands on. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/retry_after.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"

Test(buf, grows_and_always_ends_in_nul)
{
	struct buf b cleanup_buf = buf_make(100000);

	for (int i = 0; i < 10000; i++)
		buf_add_str(&b, "1234567890");
	cr_expect_eq(b.len, 100000);
	cr_expect_eq(b.data[b.len], '\0');
	cr_expect_eq(buf_check(&b, NULL), RC_OK);
}

Test(buf, failure_is_sticky_and_leaves_nothing)
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

Test(buf, take_of_an_empty_buffer_is_an_empty_string)
{
	struct buf b cleanup_buf = buf_make(100);
	cleanup_free char *text = buf_take(&b, NULL);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, "");
}

Test(error, wrap_puts_the_context_first_and_keeps_the_wait)
{
	struct error err;

	error_set(&err, RC_UNAVAILABLE, "no answer");
	err.retry_after_s = 7;
	cr_expect_eq(error_wrap(&err, RC_TIMEOUT, "get pod '%s'", "x"), RC_TIMEOUT);
	cr_expect_str_eq(err.text, "get pod 'x': no answer");
	cr_expect_eq(err.retry_after_s, 7);
	cr_expect_eq(error_set(NULL, RC_INTERNAL, "nothing listens"), RC_INTERNAL);
}

Test(error, long_text_is_cut_at_a_character_border)
{
	char text[600] = "";
	struct error err;

	for (size_t i = 0; i < 299; i++)
		memcpy(text + 2 * i, "\xC3\xA9", 3);
	error_set(&err, RC_INTERNAL, "x%s", text);
	cr_expect(utf8_valid(err.text, strlen(err.text)));
	cr_expect_geq(strlen(err.text), ERROR_TEXT_MAX - 3);
}

Test(error, every_code_has_a_name_that_leads_back)
{
	for (int rc = 0; rc < RC_COUNT; rc++)
		cr_expect_eq(rc_from_name(rc_name((enum rc)rc)), (enum rc)rc, "%d", rc);
	cr_expect_eq(rc_from_name("FROM_THE_FUTURE"), RC_INTERNAL);
}

Test(strutil, integers)
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

Test(strutil, utf8)
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

Test(strutil, percent_encoding)
{
	struct buf b cleanup_buf = buf_make(100);
	struct buf back cleanup_buf = buf_make(100);

	buf_add_percent_encoded(&b, "a b/c%~\xC3\xA9");
	cr_expect_str_eq(b.data, "a%20b%2Fc%25~%C3%A9");
	cr_expect(buf_add_percent_decoded(&back, b.data, b.len));
	cr_expect_str_eq(back.data, "a b/c%~\xC3\xA9");
	cr_expect_not(buf_add_percent_decoded(&back, "%00", 3));
	cr_expect_not(buf_add_percent_decoded(&back, "%4", 2));
	cr_expect_not(buf_add_percent_decoded(&back, "%zz", 3));
}

Test(clock, rfc3339_both_ways)
{
	static const struct {
		const char *text;
		bool good;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "2026-11-21T09:39:00Z", true, 1795253940000 },
		{ "2026-11-21T09:39:00.123456Z", true, 1795253940123 },
		{ "2026-11-21T10:39:00+01:00", true, 1795253940000 },
		{ "2026-11-21T08:09:00-01:30", true, 1795253940000 },
		{ "2026-11-21T09:39:00", false, 0 },
		{ "2026-11-21", false, 0 },
		{ "2026-13-21T09:39:00Z", false, 0 },
		{ "2026-11-21T09:39:00Zx", false, 0 },
		{ "", false, 0 },
		{ "2026-11-21t09:39:00z", true, 1795253940000 },
		{ "2026-11-21T09:39:00-00:00", true, 1795253940000 },
		{ "2026-11-21T09:39:00.9999999999999Z", true, 1795253940999 },
		{ " 2026-11-21T09:39:00Z", false, 0 },
		{ "2026-11-21T09:39:00Z ", false, 0 },
		{ "2026-11-21 09:39:00Z", false, 0 },
		{ "2026-11- 1T09:39:00Z", false, 0 },
		{ "2026-1-21T09:39:00Z", false, 0 },
		{ "+026-11-21T09:39:00Z", false, 0 },
		{ "2026-00-21T09:39:00Z", false, 0 },
		{ "2026-11-00T09:39:00Z", false, 0 },
		{ "2026-11-31T09:39:00Z", false, 0 },
		{ "2026-02-31T09:39:00Z", false, 0 },
		{ "2026-02-29T09:39:00Z", false, 0 },
		{ "2100-02-29T09:39:00Z", false, 0 },
		{ "2028-02-29T00:00:00Z", true, 1835395200000 },
		{ "2000-02-29T00:00:00Z", true, 951782400000 },
		{ "2026-11-21T-1:-1:-1Z", false, 0 },
		{ "2026-11-21T24:00:00Z", false, 0 },
		{ "2026-11-21T09:60:00Z", false, 0 },
		{ "2026-11-21T09:39:61Z", false, 0 },
		{ "2026-11-21T09:39:00.Z", false, 0 },
		{ "2026-11-21T09:39:00,5Z", false, 0 },
		{ "2026-11-21T09:39:00+99:99", false, 0 },
		{ "2026-11-21T09:39:00+24:00", false, 0 },
		{ "2026-11-21T09:39:00+01:60", false, 0 },
		{ "2026-11-21T09:39:00+0100", false, 0 },
		{ "2026-11-21T09:39:00+1:00", false, 0 },
		{ "2026-11-21T09:39:00+", false, 0 },
		{ "2016-12-31T23:59:60Z", true, 1483228800000 },
		{ "2016-12-31T23:59:60.5Z", true, 1483228800500 },
		{ "2016-12-31T15:59:60-08:00", true, 1483228800000 },
		{ "2017-01-01T05:29:60+05:30", true, 1483228800000 },
		{ "2016-12-31T23:59:60-08:00", false, 0 },
		{ "2016-12-30T23:59:60Z", false, 0 },
		{ "2016-12-31T22:59:60Z", false, 0 },
		{ "2016-12-31T23:58:60Z", false, 0 },
	};
	char text[CLOCK_RFC3339_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 0;

		cr_expect_eq(clock_parse_rfc3339(cases[i].text, &ms), cases[i].good, "%s", cases[i].text);
		cr_expect_eq(ms, cases[i].ms, "%s", cases[i].text);
	}
	cr_expect_not(clock_parse_rfc3339(NULL, &(int64_t){ 0 }));
	clock_format_rfc3339(1795253940123, true, text);
	cr_expect_str_eq(text, "2026-11-21T09:39:00.123Z");
	clock_format_rfc3339(1795253940123, false, text);
	cr_expect_str_eq(text, "2026-11-21T09:39:00Z");
}

Test(duration, as_go_writes_them)
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

Test(backoff, doubles_to_its_ceiling_and_starts_again)
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

Test(thread, a_wait_ends_when_its_time_is_over)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	const int64_t pasts[] = { INT64_MIN, -1, 0, 1, clock_mono_ms() };
	int64_t began_ms = clock_mono_ms();
	bool done = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_LEN(pasts); i++)
		cr_expect_not(thread_wait(&cond, &lock, pasts[i]), "%zu", i);
	cr_expect_not(thread_wait_until(&cond, &lock, &done, -5));
	cr_expect_not(thread_wait_until(&cond, &lock, &done, 40));
	cr_expect_geq(clock_mono_ms() - began_ms, 40);
	done = true;
	cr_expect(thread_wait_until(&cond, &lock, &done, 0));
	pthread_mutex_unlock(&lock);
}

struct signalled {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void *signal_it(void *ctx)
{
	struct signalled *signalled = ctx;

	pthread_mutex_lock(&signalled->lock);
	signalled->done = true;
	pthread_cond_signal(&signalled->cond);
	pthread_mutex_unlock(&signalled->lock);
	return NULL;
}

Test(thread, a_wait_without_limit_ends_with_the_signal)
{
	struct signalled signalled = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	pthread_t thread;

	cr_assert_eq(thread_start(signal_it, &signalled, &thread, NULL), RC_OK);
	pthread_mutex_lock(&signalled.lock);
	while (!signalled.done)
		cr_expect(thread_wait(&signalled.cond, &signalled.lock, INT64_MAX));
	pthread_mutex_unlock(&signalled.lock);
	pthread_join(thread, NULL);
}

static const struct {
	const char *value;
	int granted;
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

Test(retry_after, no_server_makes_us_wait_longer_than_a_minute)
{
	for (size_t i = 0; i < ARRAY_LEN(retry_after_rows); i++)
		cr_expect_eq(retry_after_parse(retry_after_rows[i].value), retry_after_rows[i].granted, "'%s'",
			     retry_after_rows[i].value);
	cr_expect_eq(retry_after_grant(INT64_MAX), 60);
	cr_expect_eq(retry_after_grant(INT64_MIN), 0);
}
