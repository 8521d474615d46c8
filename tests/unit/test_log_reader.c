#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/streams/log_reader.h"

#define T "2026-01-02T03:04:05."

struct heard {
	struct buf text; /* "text\n" of a line, "text+" of a piece, "LOST\n" */
};

static void hear(void *ctx, const struct log_line *line)
{
	struct heard *heard = ctx;

	buf_add_str(&heard->text, line->lost_from_ns ? "LOST" : "");
	buf_add(&heard->text, line->text, line->len);
	buf_add_char(&heard->text, line->ends || line->lost_from_ns ? '\n' : '+');
}

static void feed(struct log_reader *r, const char *text, size_t step, struct heard *heard)
{
	for (size_t len = strlen(text); len; len -= step < len ? step : len, text += step)
		cr_assert_eq(log_reader_feed(r, text, step < len ? step : len, hear, heard, NULL), RC_OK);
}

Test(log_reader, lines_are_parsed_at_any_split)
{
	for (size_t step = 1; step < 120; step++) {
		struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
		struct heard heard = { buf_make(4096) };

		feed(&r, T "000000001Z one\n" T "000000002Z \n" T "000000003+02:00 two words\nno time\n", step, &heard);
		cr_expect_str_eq(heard.text.data, "one\n\ntwo words\nno time\n", "%zu", step);
		log_reader_clear(&r);
		buf_clear(&heard.text);
	}
}

/* Lines after a disconnect, when the log is read again. */
static const struct again {
	const char *before;
	const char *after;
	const char *heard;
} agains[] = {
	{ T "1Z a\n" T "2Z b\n", T "1Z a\n" T "2Z b\n" T "3Z c\n",
	  "a\nb\n"
	  "c\n" },
	{ T "2Z b\n" T "2Z x\n", T "1Z a\n" T "2Z b\n" T "2Z x\n" T "2Z y\n",
	  "b\nx\n"
	  "y\n" },
	{ T "2Z b\n", T "2Z b\n", "b\n" },
	{ T "2Z b\n" T "3Z half", T "2Z b\n" T "3Z half a line\n",
	  "b\n"
	  "half a line\n" },
	{ T "2Z b\n", T "9Z later\n" T "91Z more\n",
	  "b\n"
	  "LOST\nlater\nmore\n" },
	{ "", T "1Z a\n", "a\n" },
	{ T "5Z a\n" T "6Z b\n" T "1Z the clock goes back\n", /* read again from that time on */
	  T "5Z a\n" T "6Z b\n" T "1Z the clock goes back\n" T "12Z c\n",
	  "a\nb\nthe clock goes back\n"
	  "c\n" },
	{ T "2000001Z late\n" T "2Z early\n", T "2000001Z late\n" T "2Z early\n" T "3Z c\n",
	  "late\nearly\n"
	  "c\n" },
};

Test(log_reader, nothing_is_repeated_after_a_disconnect)
{
	for (size_t i = 0; i < ARRAY_LEN(agains); i++) {
		struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
		struct heard heard = { buf_make(4096) };

		feed(&r, agains[i].before, 7, &heard);
		log_reader_restart(&r);
		feed(&r, agains[i].after, 5, &heard);
		cr_expect_str_eq(heard.text.data, agains[i].heard, "%zu: %s", i, heard.text.data);
		log_reader_clear(&r);
		buf_clear(&heard.text);
	}
}

/* All lines of another run are new, also those of the same time as the last line of the run before. */
Test(log_reader, lines_of_another_run_are_all_output)
{
	static const struct {
		const char *before, *after;
		int64_t lost_from_ns;
		const char *heard;
	} cases[] = {
		{ T "1Z a\n", T "1Z a\n" T "2Z b\n", 0, "a\na\nb\n" },
		{ T "1Z a\n", T "100000001Z close\n" T "2Z b\n", 0, "a\nclose\nb\n" },
		{ T "1Z a\n", T "05Z older\n" T "2Z b\n", 0, "a\nolder\nb\n" },
		{ T "1Z a\n", T "100000001Z close\n" T "2Z b\n", 1, "a\nLOST\nclose\nb\n" },
		{ "", T "2Z b\n", 1, "LOST\nb\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
		struct heard heard = { buf_make(4096) };

		feed(&r, cases[i].before, 7, &heard);
		log_reader_next_run(&r, cases[i].lost_from_ns);
		feed(&r, cases[i].after, 5, &heard);
		cr_expect_str_eq(heard.text.data, cases[i].heard, "%zu: %s", i, heard.text.data);
		log_reader_clear(&r);
		buf_clear(&heard.text);
	}
}

/* A loss before a run without lines is reported before the run after it, from its own begin. */
Test(log_reader, a_loss_before_a_run_without_lines_is_reported_later)
{
	struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
	struct heard heard = { buf_make(4096) };

	feed(&r, T "1Z a\n", 7, &heard);
	log_reader_next_run(&r, 1);
	log_reader_next_run(&r, 0);
	feed(&r, T "2Z b\n", 7, &heard);
	cr_expect_str_eq(heard.text.data, "a\nLOST\nb\n");
	log_reader_clear(&r);
	buf_clear(&heard.text);
}

Test(log_reader, another_reader_continues_at_the_position)
{
	struct log_reader first = log_reader_make((struct log_place){ 0, 0 }, 0);
	struct log_reader second;
	struct heard heard = { buf_make(4096) };

	feed(&first, T "1Z a\n" T "1Z b\n", 100, &heard);
	second = log_reader_make(first.last, 0);
	feed(&second, T "1Z a\n" T "1Z b\n" T "1Z c\n", 100, &heard);
	cr_expect_str_eq(heard.text.data, "a\nb\nc\n");
	log_reader_clear(&first);
	log_reader_clear(&second);
	buf_clear(&heard.text);
}

Test(log_reader, a_long_line_is_sent_in_pieces_and_continues_after_a_disconnect)
{
	struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
	struct heard heard = { buf_make(1u << 20) };
	struct buf line cleanup_buf = buf_make(1u << 20);
	char *at;

	buf_add_str(&line, T "1Z ");
	for (int i = 0; i < 30000; i++)
		buf_addf(&line, "%08d", i);
	buf_add_char(&line, '\n');
	cr_assert_eq(log_reader_feed(&r, line.data, 100000, hear, &heard, NULL), RC_OK);
	log_reader_restart(&r);
	cr_assert_eq(log_reader_feed(&r, line.data, line.len, hear, &heard, NULL), RC_OK);
	while ((at = strchr(heard.text.data, '+')) != NULL)
		memmove(at, at + 1, strlen(at));
	cr_expect_str_eq(heard.text.data, line.data + strlen(T "1Z "));
	log_reader_clear(&r);
	buf_clear(&heard.text);
}

/* A long line, split at any byte of a character: no piece ends within one, and invalid UTF-8 is kept. */
Test(log_reader, no_piece_of_a_long_line_ends_within_a_character)
{
	static const char *const characters[] = {
		"\u00e9", "\u20ac", "\U0001f600", "\xff", "\xe2\x82", "\xf0\x9f\x98"
	};

	for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
		bool valid = utf8_valid(characters[i], strlen(characters[i]));

		for (size_t cut = 0; cut <= 4; cut++) {
			struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
			struct heard heard = { buf_make(1u << 20) };
			struct buf line cleanup_buf = buf_make(1u << 20);
			char *at;

			buf_add_str(&line, T "1Z ");
			while (line.len < LOG_LINE_MAX - cut)
				buf_add_char(&line, 'x');
			for (int k = 0; k < 3; k++)
				buf_add_str(&line, characters[i]);
			buf_add_str(&line, ".\n");
			cr_assert_eq(log_reader_feed(&r, line.data, LOG_LINE_MAX, hear, &heard, NULL), RC_OK);
			cr_expect_eq(heard.text.data[heard.text.len - 1], '+');
			cr_expect(!valid || utf8_valid(heard.text.data, heard.text.len), "%zu, cut at %zu", i, cut);
			log_reader_restart(&r); /* which does not change the output */
			cr_assert_eq(log_reader_feed(&r, line.data, line.len, hear, &heard, NULL), RC_OK);
			while ((at = strchr(heard.text.data, '+')) != NULL) {
				cr_expect(!valid || utf8_valid(at + 1, strlen(at + 1)), "%zu, cut at %zu", i, cut);
				memmove(at, at + 1, strlen(at));
			}
			cr_expect_str_eq(heard.text.data, line.data + strlen(T "1Z "), "%zu, cut at %zu", i, cut);
			log_reader_clear(&r);
			buf_clear(&heard.text);
		}
	}
}

Test(log_reader, older_lines_are_skipped)
{
	struct log_reader r = log_reader_make((struct log_place){ 0, 0 }, 0);
	struct heard heard = { buf_make(4096) };

	cr_assert(log_time_parse(T "2Z", strlen(T "2Z"), &r.since_ns));
	feed(&r, T "1Z a\n" T "2Z b\n" T "3Z end", 100, &heard);
	log_reader_end(&r, hear, &heard);
	cr_expect_str_eq(heard.text.data, "b\nend+");
	log_reader_clear(&r);
	buf_clear(&heard.text);
}

Test(log_reader, times_are_parsed_with_nanoseconds)
{
	static const struct {
		const char *text;
		int64_t ns;
	} times[] = {
		{ "1970-01-01T00:00:01Z", 1000000000 },
		{ "1970-01-01T00:00:01.5Z", 1500000000 },
		{ "1970-01-01T01:00:01.123456789+01:00", 1123456789 },
		{ "1970-01-01T00:00:01.000000001Z", 1000000001 },
		{ "1013-03-02T03:04:06Z", 1 },
		{ "9999-12-31T23:59:59Z", INT64_MAX },
	};
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		cr_expect(log_time_parse(times[i].text, strlen(times[i].text), &ns), "%s", times[i].text);
		cr_expect_eq(ns, times[i].ns, "%s", times[i].text);
	}
	cr_expect_not(log_time_parse("yesterday", 9, &ns));
	cr_expect_not(log_time_parse("", 0, &ns));
}
