#include "common/services/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/duration.h"
#include "common/base/strutil.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/version.h"

#define TEXT_MAX 16384 /* bytes of the --help text, or of all errors */
#define NAME_MAX_BYTES 128
#define NAMESPACE_MAX 63 /* RFC 1123 label */
#define PORT_MAX 65535

const char *const config_log_levels[] = { "debug", "info", "warn", "error", NULL };
const char *const config_log_formats[] = { "json", "text", NULL };

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

/* Describes the value in an error, except for secrets, even invalid ones (a URL may hold a password). */
static void add_value(const struct config_row *row, const char *value, struct buf *out)
{
	if (row->secret)
		buf_addf(out, "%s: its value", row->env);
	else
		buf_addf(out, "%s: '%.100s'", row->env, value);
}

static bool load_string(const struct config_row *row, const char *value, void *member, struct buf *faults)
{
	if (row->choices && !is_choice(row, value)) {
		add_value(row, value, faults);
		buf_add_str(faults, " is not ");
		add_choices(row, faults);
		buf_add_char(faults, '\n');
		return false;
	}
	if (row->valid && value[0] && !row->valid(value)) {
		add_value(row, value, faults);
		buf_addf(faults, " is invalid; it must be %s\n", row->form);
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
		add_value(row, value, faults);
		buf_addf(faults, " is not %s\n",
			 duration ? "a duration such as 500ms, 15s or 1h30m" : "a whole number");
		return false;
	}
	if (number < row->min || number > max) {
		add_value(row, value, faults);
		buf_addf(faults, " is out of range; it must be %" PRId64 " to %" PRId64 "%s\n", row->min, max,
			 duration ? " milliseconds" : "");
		return false;
	}
	*(int64_t *)member = number;
	return true;
}

static bool load_row(const struct config_row *row, void *into, struct buf *faults)
{
	const char *value = getenv(row->env);
	void *member = (char *)into + row->offset;

	if (row->type == CONFIG_STRING)
		*(const char **)member = ""; /* continue with the other variables */
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
	printf("%s: %s\n\nUsage: %s", program->name, program->purpose, program->name);
	for (size_t i = 0; i < program->option_count; i++)
		printf(" [%s]", program->options[i].name);
	printf(" [--help | --version | --check-config | --health]\n\n");
	for (size_t i = 0; i < program->option_count; i++)
		printf("  %-28s %s\n", program->options[i].name, program->options[i].help);
	printf("%sRuns in the foreground, logs lines to stderr (SP_LOG_FORMAT), exits on SIGTERM or SIGINT.\n"
	       "--health checks the running process, with the same variables; exit status 0 if healthy, else 1.\n"
	       "Configured by environment variables only:\n\n",
	       program->option_count ? "\n" : "");
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
	const char *level_name = getenv("SP_LOG_LEVEL");
	const char *format_name = getenv("SP_LOG_FORMAT");
	enum log_level level = LOG_INFO;
	enum log_format format = LOG_JSON;

	/* An invalid name is reported by config_load(). */
	if (level_name)
		(void)log_level_from_name(level_name, &level);
	if (format_name)
		(void)log_format_from_name(format_name, &format);
	log_init(program->name, level);
	log_set_format(format);
}

/* The actions of the command line. */
enum ask {
	ASK_HELP,
	ASK_VERSION,
	ASK_CHECK,
	ASK_HEALTH,
	ASK_NOTHING,
};

static const char *const asks[] = {
	[ASK_HELP] = "--help",
	[ASK_VERSION] = "--version",
	[ASK_CHECK] = "--check-config",
	[ASK_HEALTH] = "--health",
};

static enum ask find_ask(const char *argument)
{
	int ask = ASK_HELP;

	while (ask < ASK_NOTHING && strcmp(asks[ask], argument) != 0)
		ask++;
	return (enum ask)ask;
}

/* Set the bool of the option; false: unknown option. */
static bool set_option(const struct config_program *program, const char *argument, void *into)
{
	for (size_t i = 0; i < program->option_count; i++)
		if (strcmp(program->options[i].name, argument) == 0) {
			*(bool *)((char *)into + program->options[i].offset) = true;
			return true;
		}
	return false;
}

/* Parse options and at most one action; false: the error was printed to stderr. */
static bool read_arguments(const struct config_program *program, int argc, char **argv, void *into, enum ask *ret_ask)
{
	enum ask wanted = ASK_NOTHING;

	for (int i = 1; i < argc; i++) {
		enum ask ask = find_ask(argv[i]);

		if (ask != ASK_NOTHING && wanted == ASK_NOTHING) {
			wanted = ask;
		} else if (ask != ASK_NOTHING || !set_option(program, argv[i], into)) {
			fprintf(stderr, "%s: %s argument '%s'; try --help\n", program->name,
				ask == ASK_NOTHING ? "unknown" : "unexpected", argv[i]);
			return false;
		}
	}
	*ret_ask = wanted;
	return true;
}

enum config_next config_start(const struct config_program *program, int argc, char **argv, void *into)
{
	struct buf faults cleanup_buf = buf_make(TEXT_MAX);
	enum ask ask;

	lifecycle_ignore_broken_pipes();
	if (!read_arguments(program, argc, argv, into, &ask))
		return CONFIG_EXIT_BAD;
	if (ask == ASK_HELP) {
		print_help(program);
		return CONFIG_EXIT_OK;
	}
	if (ask == ASK_VERSION) {
		printf("%s %s\n", program->name, version_text());
		return CONFIG_EXIT_OK;
	}
	set_up_log(program);
	(void)config_load(program->rows, program->row_count, into, &faults); /* errors are in faults */
	if (program->check && ask != ASK_HEALTH)                             /* files are checked when they are used */
		program->check(into, &faults);
	if (faults.len > 0 || faults.failed) {
		fprintf(stderr, "%s: the configuration is invalid:\n%s", program->name, faults.data);
		return CONFIG_EXIT_BAD;
	}
	if (ask == ASK_CHECK) {
		print_values(program);
		return CONFIG_EXIT_OK;
	}
	return ask == ASK_HEALTH ? CONFIG_HEALTH : CONFIG_RUN;
}

int config_tell_health(enum rc rc, const struct error *err)
{
	if (rc)
		fprintf(stderr, "unhealthy: %s\n", err->text);
	else
		puts("healthy");
	return rc ? 1 : 0;
}

/* Empty, ":" or ":port", after a host. */
static bool is_port_part(const char *text, size_t len)
{
	int64_t port = 0;

	if (len > 0 && text[0] != ':')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || port > PORT_MAX)
			return false;
		port = port * 10 + text[i] - '0';
	}
	return len <= 1 || (port > 0 && port <= PORT_MAX);
}

static bool is_host(const char *text, size_t len)
{
	const char *others = len > 0 && text[0] == '[' ? "[]:.%-_" : ".-_~";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x80 && !isalnum(c) && !memchr(others, c, strlen(others)))
			return false;
	}
	return len > 0;
}

bool config_is_authority(const char *text, size_t len)
{
	const char *at = memrchr(text, '@', len);
	const char *host = at ? at + 1 : text;
	size_t rest = len - (size_t)(host - text);
	const char *end = rest && host[0] == '[' ? memchr(host, ']', rest) : memchr(host, ':', rest);
	size_t host_len = end ? (size_t)(end - host) : rest;

	if (rest && host[0] == '[') {
		if (!end || host_len < 3) /* "[::" at least */
			return false;
		host_len++;
	}
	return is_host(host, host_len) && is_port_part(host + host_len, rest - host_len);
}

bool config_is_http_url(const char *value)
{
	const char *start;

	for (const char *c = value; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7F)
			return false;
	if (str_has_prefix(value, "http://"))
		start = value + strlen("http://");
	else if (str_has_prefix(value, "https://"))
		start = value + strlen("https://");
	else
		return false;
	return config_is_authority(start, strcspn(start, "/?#"));
}

bool config_is_address(const char *value)
{
	const char *colon = strrchr(value, ':');
	bool bracketed = value[0] == '[';
	int64_t port;

	if (!colon || !str_parse_int64(colon + 1, &port) || port < 0 || port > PORT_MAX)
		return false;
	if (colon > value && !is_host(value, (size_t)(colon - value)))
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
