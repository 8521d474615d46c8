#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "common/services/config.h"

struct settings {
	const char *url;
	const char *mode;
	int64_t wait_ms;
	bool once;
	bool loud;
};

#define AT(member) offsetof(struct settings, member)

static const char *const modes[] = { "fast", "slow", NULL };

/* clang-format off */
static const struct config_row rows[] = {
	{ .env = "TC_URL", .offset = AT(url), .valid = config_is_http_url, .form = "a URL", .secret = true, .help = "url" },
	{ .env = "TC_MODE", .offset = AT(mode), .fallback = "fast", .choices = modes, .help = "mode" },
	{ .env = "TC_WAIT", .type = CONFIG_DURATION, .offset = AT(wait_ms), .fallback = "5s", .min = 1000, .max = 60000,
	  .help = "wait" },
};
/* clang-format on */

static const struct config_option options[] = {
	{ "--once", AT(once), "do it once" },
	{ "--loud", AT(loud), "say more" },
};

static const struct config_program plain = {
	.name = "plain", .purpose = "tests", .rows = rows, .row_count = ARRAY_LEN(rows)
};

static const struct config_program own = { .name = "own",
					   .purpose = "tests",
					   .rows = rows,
					   .row_count = ARRAY_LEN(rows),
					   .options = options,
					   .option_count = ARRAY_LEN(options) };

static const struct {
	const struct config_program *program;
	const char *arguments[4];
	enum config_next next;
	bool once;
	bool loud;
} lines[] = {
	{ &plain, { NULL }, CONFIG_RUN, false, false },
	{ &plain, { "--help" }, CONFIG_EXIT_OK, false, false },
	{ &plain, { "--version" }, CONFIG_EXIT_OK, false, false },
	{ &plain, { "--check-config" }, CONFIG_EXIT_OK, false, false },
	{ &plain, { "--health" }, CONFIG_HEALTH, false, false },
	{ &plain, { "--once" }, CONFIG_EXIT_BAD, false, false },
	{ &plain, { "" }, CONFIG_EXIT_BAD, false, false },
	{ &plain, { "--help", "--version" }, CONFIG_EXIT_BAD, false, false },
	{ &own, { NULL }, CONFIG_RUN, false, false },
	{ &own, { "--once" }, CONFIG_RUN, true, false },
	{ &own, { "--loud", "--once" }, CONFIG_RUN, true, true },
	{ &own, { "--once", "--once" }, CONFIG_RUN, true, false },
	{ &own, { "--once", "--check-config" }, CONFIG_EXIT_OK, true, false },
	{ &own, { "--check-config", "--loud" }, CONFIG_EXIT_OK, false, true },
	{ &own, { "--once=1" }, CONFIG_EXIT_BAD, false, false },
	{ &own, { "--onc" }, CONFIG_EXIT_BAD, false, false },
};

Test(config, command_lines_with_and_without_program_options)
{
	cr_redirect_stdout();
	cr_redirect_stderr();
	setenv("TC_URL", "http://host", 1);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *argv[ARRAY_LEN(lines[i].arguments) + 1] = { (char[]){ "program" } };
		struct settings s = { 0 };
		int argc = 1;

		while (lines[i].arguments[argc - 1]) {
			argv[argc] = (char *)(uintptr_t)lines[i].arguments[argc - 1];
			argc++;
		}
		cr_expect_eq(config_start(lines[i].program, argc, argv, &s), lines[i].next, "line %zu", i);
		cr_expect_eq(s.once, lines[i].once, "line %zu", i);
		cr_expect_eq(s.loud, lines[i].loud, "line %zu", i);
	}
}

Test(config, help_lists_the_options)
{
	char *argv[] = { (char[]){ "own" }, (char[]){ "--help" }, NULL };
	char text[4096] = "";
	struct settings s = { 0 };
	FILE *out;

	cr_redirect_stdout();
	cr_expect_eq(config_start(&own, 2, argv, &s), CONFIG_EXIT_OK);
	fflush(stdout);
	out = cr_get_redirected_stdout();
	text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
	cr_expect(strstr(text, "Usage: own [--once] [--loud] [--help | --version | --check-config | --health]\n"), "%s",
		  text);
	cr_expect(strstr(text, "do it once"), "%s", text);
}

Test(config, all_errors_are_reported_without_secrets)
{
	struct buf faults cleanup_buf = buf_make(4096);
	struct settings s = { 0 };

	setenv("TC_URL", "htp://jane:geheim@host", 1);
	setenv("TC_MODE", "medium", 1);
	setenv("TC_WAIT", "0s", 1);
	cr_expect(!config_load(rows, ARRAY_LEN(rows), &s, &faults));
	cr_expect(strstr(faults.data, "TC_URL: its value is invalid; it must be a URL\n"), "%s", faults.data);
	cr_expect(strstr(faults.data, "TC_MODE: 'medium' is not fast or slow\n"), "%s", faults.data);
	cr_expect(strstr(faults.data, "TC_WAIT: '0s' is out of range; it must be 1000 to 60000 milliseconds\n"), "%s",
		  faults.data);
	cr_expect(!strstr(faults.data, "geheim"), "%s", faults.data);
}

static const struct {
	const char *url;
	bool good;
} urls[] = {
	{ "http://host", true },
	{ "https://host.example:8443/a/b/", true },
	{ "http://host:", true },
	{ "http://user:p%40ss@host:80", true },
	{ "http://10.0.0.1:8080?x=y", true },
	{ "http://[::1]", true },
	{ "http://[fd00::1]:8080/x", true },
	{ "", false },
	{ "host:8080", false },
	{ "//host", false },
	{ "ftp://host", false },
	{ "HTTP//host", false },
	{ "http:/host", false },
	{ "http://", false },
	{ "http:///path", false },
	{ "http://:8080", false },
	{ "http://?x", false },
	{ "http://#x", false },
	{ "http://user@", false },
	{ "http://user@:80/", false },
	{ "http://host:0", false },
	{ "http://host:65536", false },
	{ "http://host:99999999999999999999", false },
	{ "http://host:8o", false },
	{ "http://host:80:80", false },
	{ "http://[::1", false },
	{ "http://[]", false },
	{ "http://[::1]8080", false },
	{ "http://ho st", false },
	{ "http://host/a b", false },
	{ "http://host\n", false },
};

Test(config, http_urls_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		cr_expect_eq(config_is_http_url(urls[i].url), urls[i].good, "'%s'", urls[i].url);
}

static const struct {
	const char *text;
	bool good;
} addresses[] = {
	{ ":8080", true },
	{ "127.0.0.1:8080", true },
	{ "[::1]:8080", true },
	{ "[fe80::1%eth0]:0", true },
	{ "host_1.example:65535", true },
	{ "8080", false },
	{ ":", false },
	{ ":99999", false },
	{ ":-1", false },
	{ "::1:8080", false },
	{ "[::1:8080", false },
	{ "'127.0.0.1':8080", false },
	{ "\"127.0.0.1:8080\"", false },
	{ "a b:8080", false },
	{ "http://h:80", false },
};

Test(config, listen_addresses_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		cr_expect_eq(config_is_address(addresses[i].text), addresses[i].good, "'%s'", addresses[i].text);
}
