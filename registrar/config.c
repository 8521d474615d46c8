#include "registrar/config.h"

#include <string.h>

#include "registrar/poster.h"

#define DAY_MS 86400000

/* Paths are appended to both URLs, so neither can have a query or a fragment. */
static bool is_base_url(const char *value)
{
	return config_is_http_url(value) && !strpbrk(value, "?#");
}

#define AT(member) offsetof(struct registrar_config, member)
#define BASE_URL_FORM "http:// or https://, a host, optionally a port and a path; no query"

/* clang-format off */
static const struct config_row rows[] = {
	CONFIG_ROW_NAME(struct registrar_config),
	CONFIG_ROWS_NATS(struct registrar_config),
	{ .env = "DCM_REGISTRATION_URL", .offset = AT(registration_url), .valid = is_base_url, .form = BASE_URL_FORM,
	  .secret = true, .help = "Base URL of DCM's registry; /providers is appended" },
	{ .env = "SP_ENDPOINT", .offset = AT(endpoint), .valid = is_base_url, .form = BASE_URL_FORM,
	  .help = "URL of this API as DCM reaches it, for example http://provider:8080" },
	{ .env = "SP_DISPLAY_NAME", .offset = AT(display_name), .fallback = "",
	  .help = "Display name of the provider" },
	{ .env = "SP_REGION", .offset = AT(region), .fallback = "", .help = "Region code in the registration" },
	{ .env = "SP_ZONE", .offset = AT(zone), .fallback = "", .help = "Zone in the registration" },
	{ .env = "SP_REGISTRATION_INTERVAL", .type = CONFIG_DURATION, .offset = AT(interval_ms), .fallback = "5m",
	  .min = 1000, .max = DAY_MS, .help = "Interval at which the registration is repeated, in case the registry lost it" },
	{ .env = "SP_REGISTRATION_CA", .offset = AT(ca_path), .fallback = "",
	  .help = "PEM file of CA certificates for an https registry; empty: the system's" },
	CONFIG_ROWS_METRICS(struct registrar_config),
	CONFIG_ROWS_LOG(struct registrar_config),
};

static const struct config_option options[] = {
	{ "--once", AT(once), "register once, within a minute; exit status: 0 registered, 1 rejected, 2 unreachable" },
};
/* clang-format on */

static void check(const void *config, struct buf *faults)
{
	const struct registrar_config *c = config;

	bus_access_check(&c->nats, faults);
	metrics_server_check(&c->metrics, faults);
	poster_check(c, faults);
}

const struct config_program registrar_program = {
	.name = "registrar",
	.purpose = "registers the provider with DCM, and renews the registration",
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.options = options,
	.option_count = ARRAY_LEN(options),
	.check = check,
};
