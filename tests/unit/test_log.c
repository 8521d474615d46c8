#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/services/log.h"

/* The text written to stderr; owned by the caller. */
static char *end_capture(int fd, int stderr_was)
{
	char *text = calloc(1, 16384);
	ssize_t len;

	fflush(stderr);
	lseek(fd, 0, SEEK_SET);
	len = read(fd, text, 16383);
	dup2(stderr_was, STDERR_FILENO);
	cr_assert_geq(len, 0);
	return text;
}

static int begin_capture(int *ret_stderr_was)
{
	char path[] = "/tmp/test_log.XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	*ret_stderr_was = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	return fd;
}

Test(log, text_lines_are_readable_and_escaped)
{
	static const char rest[] = " WARN  test: disk full path=/var/lib words=\"two words\" empty=\"\" "
				   "escape=\"\\u001b[31m\\n\" n=-3\n";
	int stderr_was;
	int fd = begin_capture(&stderr_was);
	char *text;

	log_init("test", LOG_INFO);
	log_set_format(LOG_TEXT);
	log_debug("not shown");
	log_warn("disk full", log_str("path", "/var/lib"), log_str("words", "two words"), log_str("empty", ""),
		 log_str("none", NULL), log_str("escape", "\033[31m\n"), log_num("n", -3));
	text = end_capture(fd, stderr_was);
	cr_assert_geq(strlen(text), 24);
	cr_expect_str_eq(text + 24, rest); /* after the time */
	free(text);
}

Test(log, no_value_reaches_a_terminal_as_a_control_character)
{
	static const char value[] = "\x7f|\xC2\x80|\xC2\x85|\xC2\x9B"
				    "31m|\xC2\x9F|\xC2\xA0|\xC3\xA9|\xC2";
	static const char shown[] = "\"\\u007f|\\u0080|\\u0085|\\u009b31m|\\u009f|\xC2\xA0|\xC3\xA9|\xEF\xBF\xBD\"";
	static const enum log_format formats[] = { LOG_JSON, LOG_TEXT };

	for (size_t i = 0; i < 2; i++) {
		int stderr_was;
		int fd = begin_capture(&stderr_was);
		char *text;

		log_init("test", LOG_INFO);
		log_set_format(formats[i]);
		log_info("a command", log_str("program", value));
		text = end_capture(fd, stderr_was);
		cr_expect_not_null(strstr(text, shown), "format %zu: %s", i, text);
		free(text);
	}
}

Test(log, json_is_the_default_format)
{
	char long_text[9000];
	int stderr_was;
	int fd = begin_capture(&stderr_was);
	char *text;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_init("test", LOG_INFO);
	log_info("a request", log_str("id", "web"), log_num("ms", 7));
	log_info("cut", log_str("text", long_text));
	log_info(long_text);
	text = end_capture(fd, stderr_was);
	cr_expect_not_null(strstr(
		text, "\"level\":\"info\",\"msg\":\"a request\",\"process\":\"test\",\"id\":\"web\",\"ms\":7}\n"));
	cr_expect_not_null(strstr(text, "x\"}\n"));
	cr_expect_not_null(
		strstr(text, "\"level\":\"error\",\"msg\":\"log line too long, dropped\",\"process\":\"test\"}\n"));
	free(text);
}

Test(log, names_of_formats_and_levels_are_parsed)
{
	enum log_format format = LOG_JSON;
	enum log_level level = LOG_INFO;

	cr_expect(log_format_from_name("text", &format));
	cr_expect_eq(format, LOG_TEXT);
	cr_expect(log_level_from_name("error", &level));
	cr_expect_eq(level, LOG_ERROR);
	cr_expect_not(log_format_from_name("xml", &format));
	cr_expect_not(log_level_from_name("", &level));
}
