/*
 * Configuration from environment variables, described by a table with one row per variable. The table is used to fill a
 * struct, to report all errors at once, and for --help and --check-config.
 */
#ifndef COMMON_SERVICES_CONFIG_H
#define COMMON_SERVICES_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

enum config_type {
	CONFIG_STRING,   /* const char *, borrowed from the environment; "" when unset and without default */
	CONFIG_INT,      /* int64_t, min..max */
	CONFIG_DURATION, /* int64_t, milliseconds, min..max; Go syntax */
};

struct config_row {
	const char *env; /* SP_... */
	enum config_type type;
	size_t offset;                    /* of the member in the configuration struct */
	const char *fallback;             /* default, as in the environment; NULL: required */
	int64_t min, max;                 /* for numbers and durations (ms); both 0: any non-negative */
	const char *const *choices;       /* NULL-terminated; NULL: any text */
	bool (*valid)(const char *value); /* further validation of a non-empty text, explained by `form`; NULL: none */
	const char *form;                 /* the valid form, for error messages: "host:port" */
	bool secret;                      /* the value is never printed */
	const char *help;                 /* one line */
};

/* A command-line switch of a program, in addition to --help, --version, --check-config and --health. */
struct config_option {
	const char *name; /* "--once" */
	size_t offset;    /* of a bool in the configuration struct; true: the option was set */
	const char *help; /* one line */
};

/* The command line of a program. */
struct config_program {
	const char *name;    /* "kube-worker" */
	const char *purpose; /* one line */
	const struct config_row *rows;
	size_t row_count;
	const struct config_option *options; /* may be NULL when option_count is 0 */
	size_t option_count;
	/*
	 * Checks combinations of variables, and the files: appends a line for each error. The struct may be partly
	 * filled. Not for --health. May be NULL.
	 */
	void (*check)(const void *config, struct buf *faults);
};

enum config_next {
	CONFIG_RUN,     /* continue */
	CONFIG_HEALTH,  /* --health: query the running process, and exit */
	CONFIG_EXIT_OK, /* --help, --version or a successful --check-config: exit */
	CONFIG_EXIT_BAD /* invalid command line or variable; errors are on stderr */
};

/*
 * Fill `into` from the environment.
 *
 * faults  a line for each missing, empty or invalid variable is appended.
 * Returns true if there are none; otherwise `into` is partly filled, missing or invalid texts with "".
 */
bool config_load(const struct config_row *rows, size_t row_count, void *into, struct buf *faults);

/*
 * First step of every main(): handle --help, --version, --check-config, --health and the program's own options, fill
 * `into` (zeroed by the caller), and set up the log (SP_LOG_LEVEL, SP_LOG_FORMAT) under the program's name. Prints to
 * stdout and stderr, never the value of a secret. Opens no socket. Ignores SIGPIPE.
 */
enum config_next config_start(const struct config_program *program, int argc, char **argv, void *into);

/*
 *  Whether text is [user[:password]@]host[:port] (RFC 3986, section 3.2): a name of letters, digits, '.', '-' and '_'
 *  (or non-ASCII), an IPv4 address or a bracketed IPv6 address, and a port of 1..65535.
 */
bool config_is_authority(const char *text, size_t len);

/*
 *  Whether value is http://host or https://host, optionally with user:password@, :port (1..65535) and a path and query,
 * without spaces and control characters. For `valid`.
 */
bool config_is_http_url(const char *value);

/* Whether value is host:port, :port or [v6]:port with port 0..65535. For `valid`. */
bool config_is_address(const char *value);

/* Whether value is well-formed UTF-8 of 1..128 bytes without control characters. For `valid` of SP_NAME. */
bool config_is_name(const char *value);

/* Whether value is a valid Kubernetes namespace name (RFC 1123 label). For `valid`. */
bool config_is_namespace(const char *value);

/*
 * Print the result of --health, and return its exit status: "healthy" and 0 for RC_OK, else the error on stderr, and 1.
 */
int config_tell_health(enum rc rc, const struct error *err);

/* clang-format off */
/*
 * The common rows of all processes. `type` is the struct with the members name, log_level and log_format. Rows for
 * NATS: bus_access.h, for Kubernetes: kube_auth.h.
 */
#define CONFIG_ROW_NAME(type) \
	{ .env = "SP_NAME", .offset = offsetof(type, name), .valid = config_is_name, \
	  .form = "1 to 128 bytes of UTF-8 without control characters", \
	  .help = "Name of the provider: registration, event source, and root of all its NATS subjects" }
#define CONFIG_ROWS_LOG(type) \
	{ .env = "SP_LOG_LEVEL", .offset = offsetof(type, log_level), .fallback = "info", \
	  .choices = config_log_levels, .help = "Lowest level to log: debug, info, warn or error" }, \
	{ .env = "SP_LOG_FORMAT", .offset = offsetof(type, log_format), .fallback = "json", \
	  .choices = config_log_formats, .help = "Log format: json, or text with colours on a terminal" }
/* clang-format on */
extern const char *const config_log_levels[];
extern const char *const config_log_formats[];

#endif
