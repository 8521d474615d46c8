/*
 * Configuration from environment variables, described by a table: one row a variable. The table fills a struct,
 * finds every fault at once, and prints itself for --help and --check-config.
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
	CONFIG_DURATION, /* int64_t, milliseconds, min..max; written as Go does */
};

struct config_row {
	const char *env; /* SP_... */
	enum config_type type;
	size_t offset;              /* of the member in the struct that is filled */
	const char *fallback;       /* default, written as in the environment; NULL: the variable is required */
	int64_t min, max;           /* for numbers and durations (ms); both 0: any that is not negative */
	const char *const *choices; /* NULL-terminated; NULL: any text */
	bool (*valid)(
		const char *value); /* a further test of a non-empty text, with `form` as its explanation; NULL: none */
	const char *form;           /* what a right value looks like, for the fault: "host:port" */
	bool secret;                /* the value is never printed */
	const char *help;           /* one line */
};

/* A switch on the command line that a program has beside --help, --version, --check-config and --health. */
struct config_option {
	const char *name; /* "--once" */
	size_t offset;    /* of a bool in the struct that is filled; true: the option was given */
	const char *help; /* one line */
};

/* A program as its command line shows it. */
struct config_program {
	const char *name;    /* "kube-worker" */
	const char *purpose; /* one line */
	const struct config_row *rows;
	size_t row_count;
	const struct config_option *options; /* may be NULL when option_count is 0 */
	size_t option_count;
	/*
	 * What no single row can tell, and what the files hold: a line for each fault of the (partly) filled struct is
	 * appended. Not for --health. May be NULL.
	 */
	void (*check)(const void *config, struct buf *faults);
};

enum config_next {
	CONFIG_RUN,     /* go on */
	CONFIG_HEALTH,  /* --health: ask the process that runs here how it is, and end */
	CONFIG_EXIT_OK, /* --help, --version or a good --check-config: done */
	CONFIG_EXIT_BAD /* a wrong command line or a wrong variable; what is wrong is on stderr */
};

/*
 * Fill `into` from the environment.
 *
 * faults  a line for each missing, empty or invalid variable is appended.
 * Returns true when there is none; otherwise `into` is partly filled, texts that are missing or wrong with "".
 */
bool config_load(const struct config_row *rows, size_t row_count, void *into, struct buf *faults);

/*
 * What every main() does first: handle --help, --version, --check-config, --health and the program's own options,
 * fill `into` (which begins zeroed), and set up the log (SP_LOG_LEVEL, SP_LOG_FORMAT) under the program's name. Prints
 * to stdout and stderr, never the value of a secret. Opens no socket. SIGPIPE is ignored from here on.
 */
enum config_next config_start(const struct config_program *program, int argc, char **argv, void *into);

/*
 *  Whether it is [user[:password]@]host[:port] (RFC 3986, section 3.2): a name of letters, digits, '.', '-' and '_' (or
 * beyond ASCII), an IPv4 address or a bracketed IPv6 address, and a port of 1..65535.
 */
bool config_is_authority(const char *text, size_t len);

/*
 *  Whether it is http://host or https://host, perhaps with user:password@, :port (1..65535) and whatever follows,
 * without spaces and control characters. For `valid`.
 */
bool config_is_http_url(const char *value);

/* Whether it is host:port, :port or [v6]:port with port 0..65535. For `valid`. */
bool config_is_address(const char *value);

/* Whether it is well-formed UTF-8 of 1..128 bytes without control characters. For `valid` of SP_NAME. */
bool config_is_name(const char *value);

/* Whether it is a Kubernetes namespace name (RFC 1123 label). For `valid`. */
bool config_is_namespace(const char *value);

/* What --health prints and ends with: "healthy" and 0 for RC_OK, else on stderr what is wrong, and 1. */
int config_tell_health(enum rc rc, const struct error *err);

/* clang-format off */
/*
 * The rows that every process has. `type` is the struct with the members name, log_level and log_format. Those for
 * NATS: bus_access.h, for Kubernetes: kube_auth.h.
 */
#define CONFIG_ROW_NAME(type) \
	{ .env = "SP_NAME", .offset = offsetof(type, name), .valid = config_is_name, \
	  .form = "1 to 128 bytes of UTF-8 without control characters", \
	  .help = "The provider's name: registration, event source, and the root of all its NATS subjects" }
#define CONFIG_ROWS_LOG(type) \
	{ .env = "SP_LOG_LEVEL", .offset = offsetof(type, log_level), .fallback = "info", \
	  .choices = config_log_levels, .help = "Lowest level that is logged: debug, info, warn or error" }, \
	{ .env = "SP_LOG_FORMAT", .offset = offsetof(type, log_format), .fallback = "json", \
	  .choices = config_log_formats, .help = "Lines of the log: json, or text with colours on a terminal" }
/* clang-format on */
extern const char *const config_log_levels[];
extern const char *const config_log_formats[];

#endif
