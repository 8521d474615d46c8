#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/exec_channel.h"

/* Received data: "0:data" of pieces, which are joined, and "4=data;" of whole messages. */
struct heard {
	struct buf text;
	unsigned last;
};

static void hear(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct heard *heard = ctx;
	bool whole = channel > EXEC_STDERR;

	if (whole || channel != heard->last)
		buf_addf(&heard->text, "%u%c", channel, whole ? '=' : ':');
	buf_add(&heard->text, data, len);
	if (whole)
		buf_add_char(&heard->text, ';');
	heard->last = whole ? 999 : channel;
}

static struct heard heard_make(void)
{
	return (struct heard){ buf_make(1 << 20), 999 };
}

Test(exec_channel, frames_are_parsed_at_any_split)
{
	struct buf frames = buf_make(1000);

	exec_frame_add(&frames, EXEC_STDOUT, "abc", 3);
	exec_frame_add(&frames, EXEC_STDOUT, "def", 3);
	exec_frame_add(&frames, EXEC_STDERR, "", 0);
	exec_frame_add(&frames, EXEC_STATUS, "{}", 2);
	exec_frame_add(&frames, EXEC_STDERR, "x", 1);
	exec_frame_add(&frames, EXEC_CLOSE, "", 0);
	for (size_t step = 1; step <= frames.len; step++) {
		struct heard heard = heard_make();
		struct exec_reader reader = exec_reader_make(hear, &heard);

		for (size_t at = 0; at < frames.len; at += step)
			cr_assert_eq(exec_reader_frames(&reader, frames.data + at,
							frames.len - at < step ? frames.len - at : step, NULL),
				     RC_OK);
		cr_expect_str_eq(heard.text.data, "1:abcdef3={};2:x255=;", "%zu: %s", step, heard.text.data);
		exec_reader_clear(&reader);
		buf_clear(&heard.text);
	}
	buf_clear(&frames);
}

Test(exec_channel, large_data_is_split_into_frames)
{
	struct buf frames = buf_make(1 << 20);
	static char data[100000];
	struct heard heard = heard_make();
	struct exec_reader reader = exec_reader_make(hear, &heard);

	memset(data, 'x', sizeof(data));
	exec_frame_add(&frames, EXEC_STDIN, data, sizeof(data));
	cr_expect_eq(frames.len, sizeof(data) + 4 * EXEC_FRAME_HEAD);
	cr_expect_eq(exec_reader_frames(&reader, frames.data, frames.len, NULL), RC_OK);
	cr_expect_eq(heard.text.len, 2 + sizeof(data));
	exec_reader_clear(&reader);
	buf_clear(&heard.text);
	buf_clear(&frames);
}

Test(exec_channel, frames_above_the_limit_are_rejected)
{
	static const struct {
		const char *head;
		enum rc rc;
	} cases[] = {
		{ "\0\0\x7f\xfc", RC_OK },     { "\0\0\x7f\xfd", RC_INTERNAL }, { "\3\0\x40\0", RC_OK },
		{ "\3\0\x40\1", RC_INTERNAL }, { "\1\1\0\0", RC_INTERNAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct heard heard = heard_make();
		struct exec_reader reader = exec_reader_make(hear, &heard);

		cr_expect_eq(exec_reader_frames(&reader, cases[i].head, EXEC_FRAME_HEAD, NULL), cases[i].rc, "%zu", i);
		exec_reader_clear(&reader);
	}
}

Test(exec_channel, messages_are_parsed_in_pieces)
{
	struct heard heard = heard_make();
	struct exec_reader r = exec_reader_make(hear, &heard);

	cr_expect_eq(exec_reader_message(&r, "", 0, true, true, NULL), RC_OK); /* empty: ignored */
	cr_expect_eq(exec_reader_message(&r, "", 0, true, false, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "\0ab", 3, false, false, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "c", 1, false, true, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "\4{", 2, true, false, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "}", 1, false, false, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "", 0, false, true, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "\1", 1, true, true, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, "\377\0", 2, true, true, NULL), RC_OK);
	cr_expect_eq(heard.text.len, strlen("0:abc4={};255=") + 2);
	cr_expect(str_has_prefix(heard.text.data, "0:abc4={};255="));
	exec_reader_clear(&r);
	buf_clear(&heard.text);
}

Test(exec_channel, control_messages_above_the_limit_are_rejected)
{
	struct heard heard = heard_make();
	struct exec_reader r = exec_reader_make(hear, &heard);
	static char data[EXEC_CONTROL_MAX + 2];

	memset(data, 9, sizeof(data));
	cr_expect_eq(exec_reader_message(&r, data, EXEC_CONTROL_MAX + 1, true, true, NULL), RC_OK);
	cr_expect_eq(exec_reader_message(&r, data, EXEC_CONTROL_MAX + 2, true, true, NULL), RC_TOO_LARGE);
	memset(data, EXEC_STDIN, 1);
	cr_expect_eq(exec_reader_message(&r, data, sizeof(data), true, true, NULL), RC_OK);
	exec_reader_clear(&r);
	buf_clear(&heard.text);
}
