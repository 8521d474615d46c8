#include "common/services/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/duration.h"
#include "common/base/strutil.h"
#include "common/services/log.h"
#include "common/version.h"

#define TEXT_MAX 16384 /* bytes of a --help text or of all faults together */
#define NAME_MAX_BYTES 128
#define NAMESPACE_MAX 63 /* RFC 1123 label */
#define PORT_MAX 65535

const char *const config_log_levels[] = { "debug", "info", "warn", "error", NULL };

static bool is_choice(const struct config_row *row, const char *value)
{
	for (const char *const *choice = row->choices; *choice; choice++)
		if (strcmp(*choice, value) == 0)
			return true;
	return false;
}

static void add_choices(const struct config_row *row, struct buf *out)
{
	for (const char *const *choice = row->choices; *choice; choice++)
		buf_addf(out, "%s%s", choice == row->choices ? "" : " or ", *choice);
}

static bool load_string(const struct config_row *row, const char *value, void *member, struct buf *faults)
{
	if (row->choices && !is_choice(row, value)) {
		buf_addf(faults, "%s: '%.100s' is not ", row->env, value);
		add_choices(row, faults);
		buf_add_char(faults, '\n');
		return false;
	}
	if (row->valid && value[0] && !row->valid(value)) {
		buf_addf(faults, "%s: '%.100s' is not valid; it must be %s\n", row->env, value, row->form);
		return false;
	}
	*(const char **)member = value;
	return true;
}

static bool load_number(const struct config_row *row, const char *value, void *member, struct buf *faults)
{
	bool duration = row->type == CONFIG_DURATION;
	int64_t max = row->max ? row->max : INT64_MAX;
	int64_t number;

	if (duration ? !duration_parse_ms(value, &number) : !str_parse_int64(value, &number)) {
		buf_addf(faults, "%s: '%.100s' is not %s\n", row->env, value,
			 duration ? "a duration such as 500ms, 15s or 1h30m" : "a whole number");
		return false;
	}
	if (number < row->min || number > max) {
		buf_addf(faults, "%s: '%.100s' is out of range; it must be %" PRId64 " to %" PRId64 "%s\n", row->env,
			 value, row->min, max, duration ? " milliseconds" : "");
		return false;
	}
	*(int64_t *)member = number;
	return true;
}

static bool load_row(const struct config_row *row, void *into, struct buf *faults)
{
	const char *value = getenv(row->env);
	void *member = (char *)into + row->offset;

	if (!value || value[0] == '\0') {
		if (!row->fallback) {
			buf_addf(faults, "%s: is required and %s\n", row->env, value ? "empty" : "not set");
			return false;
		}
		value = row->fallback;
	}
	return row->type == CONFIG_STRING ? load_string(row, value, member, faults)
					  : load_number(row, value, member, faults);
}

bool config_load(const struct config_row *rows, size_t row_count, void *into, struct buf *faults)
{
	bool good = true;

	for (size_t i = 0; i < row_count; i++)
		good = load_row(&rows[i], into, faults) && good;
	return good;
}

static void print_help(const struct config_program *program)
{
	printf("%s: %s\n\n"
	       "Usage: %s [--help | --version | --check-config]\n\n"
	       "Runs in the foreground, logs JSON lines on stderr, ends on SIGTERM or SIGINT.\n"
	       "It is configured by environment variables only:\n\n",
	       program->name, program->purpose, program->name);
	for (size_t i = 0; i < program->row_count; i++) {
		const struct config_row *row = &program->rows[i];

		printf("  %-28s %s\n  %-28s %s%s\n", row->env, row->help, "", row->fallback ? "default: " : "required",
		       !row->fallback     ? ""
		       : row->fallback[0] ? row->fallback
					  : "(empty)");
	}
}

static void print_values(const struct config_program *program)
{
	for (size_t i = 0; i < program->row_count; i++) {
		const struct config_row *row = &program->rows[i];
		const char *value = getenv(row->env);

		if (!value || !value[0])
			value = row->fallback;
		printf("%s=%s\n", row->env, row->secret ? "(not shown)" : value);
	}
	printf("the configuration is valid\n");
}

static void set_up_log(const struct config_program *program)
{
	const char *name = getenv("SP_LOG_LEVEL");
	enum log_level level = LOG_INFO;

	if (name)
		(void)log_level_from_name(name, &level); /* a wrong name is a fault that config_load() reports */
	log_init(program->name, level);
}

enum config_next config_start(const struct config_program *program, int argc, char **argv, void *into)
{
	struct buf faults cleanup_buf = buf_make(TEXT_MAX);
	const char *option = argc > 1 ? argv[1] : "";
	bool check = strcmp(option, "--check-config") == 0;

	if (argc > 2 || (argc == 2 && !check && strcmp(option, "--help") != 0 && strcmp(option, "--version") != 0)) {
		fprintf(stderr, "%s: unknown argument '%s'; try --help\n", program->name, argv[argc - 1]);
		return CONFIG_EXIT_BAD;
	}
	if (strcmp(option, "--help") == 0) {
		print_help(program);
		return CONFIG_EXIT_OK;
	}
	if (strcmp(option, "--version") == 0) {
		printf("%s %s\n", program->name, version_text());
		return CONFIG_EXIT_OK;
	}
	set_up_log(program);
	if (!config_load(program->rows, program->row_count, into, &faults)) {
		fprintf(stderr, "%s: the configuration is not valid:\n%s", program->name, faults.data);
		return CONFIG_EXIT_BAD;
	}
	if (check) {
		print_values(program);
		return CONFIG_EXIT_OK;
	}
	return CONFIG_RUN;
}

bool config_is_http_url(const char *value)
{
	const char *host;

	if (str_has_prefix(value, "http://"))
		host = value + strlen("http://");
	else if (str_has_prefix(value, "https://"))
		host = value + strlen("https://");
	else
		return false;
	return host[strcspn(host, " \t\r\n")] == '\0' && !strchr(":/?#", host[0]);
}

bool config_is_address(const char *value)
{
	const char *colon = strrchr(value, ':');
	bool bracketed = value[0] == '[';
	int64_t port;

	if (!colon || !str_parse_int64(colon + 1, &port) || port < 0 || port > PORT_MAX)
		return false;
	return bracketed ? colon > value && colon[-1] == ']' : strchr(value, ':') == colon;
}

bool config_is_name(const char *value)
{
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return false;
	return strlen(value) <= NAME_MAX_BYTES && utf8_valid(value, strlen(value));
}

bool config_is_namespace(const char *value)
{
	size_t len = strlen(value);

	return len <= NAMESPACE_MAX && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       value[0] != '-' && value[len - 1] != '-';
}
