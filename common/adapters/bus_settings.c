#include <string.h>

#include "common/adapters/bus_private.h"
#include "common/base/strutil.h"

#define URLS_MAX 16
#define CONNECT_TIMEOUT_MS 2000
#define PING_INTERVAL_MS 10000 /* with PINGS_OUT_MAX: a half-open connection is found within 30 s */
#define PINGS_OUT_MAX 2
#define WRITE_DEADLINE_MS 2000 /* a blocked write holds the connection's lock; cnats' default is for ever */

/* The comma-separated list, cut into `copy`. */
static size_t split_urls(char *copy, const char *urls[URLS_MAX])
{
	size_t count = 0;

	while (copy && count < URLS_MAX) {
		char *comma = strchr(copy, ',');

		if (comma)
			*comma = '\0';
		copy += strspn(copy, " ");
		if (*copy)
			urls[count++] = copy;
		copy = comma ? comma + 1 : NULL;
	}
	return count;
}

static natsStatus set_servers(natsOptions *nats, const char *list)
{
	cleanup_free char *copy = str_dup(list);
	const char *urls[URLS_MAX];
	size_t count;

	if (!copy)
		return NATS_NO_MEMORY;
	count = split_urls(copy, urls);
	return count ? natsOptions_SetServers(nats, urls, (int)count) : NATS_INVALID_ARG;
}

static natsStatus set_login(natsOptions *nats, const struct bus_access *access, const struct bus_login *login)
{
	natsStatus s = NATS_OK;

	if (access->credentials[0])
		BUS_CHAIN(s, natsOptions_SetUserCredentialsFromFiles(nats, access->credentials, NULL));
	if (access->nkey[0])
		BUS_CHAIN(s, natsOptions_SetNKeyFromSeed(nats, login->nkey_public, access->nkey));
	if (login->password)
		BUS_CHAIN(s, natsOptions_SetUserInfo(nats, access->user, login->password));
	if (login->token)
		BUS_CHAIN(s, natsOptions_SetToken(nats, login->token));
	if (login->tls)
		BUS_CHAIN(s, natsOptions_SetSecure(nats, true));
	if (access->tls_ca[0])
		BUS_CHAIN(s, natsOptions_LoadCATrustedCertificates(nats, access->tls_ca));
	if (access->tls_cert[0])
		BUS_CHAIN(s, natsOptions_LoadCertificatesChain(nats, access->tls_cert, access->tls_key));
	return s;
}

natsStatus bus_settings_set(natsOptions *nats, const struct bus_options *options, const struct bus_login *login)
{
	natsStatus s = set_servers(nats, options->access->urls);

	BUS_CHAIN(s, natsOptions_SetName(nats, options->client_name));
	BUS_CHAIN(s, natsOptions_SetTimeout(nats, CONNECT_TIMEOUT_MS));
	BUS_CHAIN(s, natsOptions_SetAllowReconnect(nats, true));
	BUS_CHAIN(s, natsOptions_SetMaxReconnect(nats, -1));
	BUS_CHAIN(s, natsOptions_SetReconnectBufSize(nats, 0)); /* really none, whatever its documentation says */
	BUS_CHAIN(s, natsOptions_SetPingInterval(nats, PING_INTERVAL_MS));
	BUS_CHAIN(s, natsOptions_SetMaxPingsOut(nats, PINGS_OUT_MAX));
	BUS_CHAIN(s, natsOptions_SetWriteDeadline(nats, WRITE_DEADLINE_MS));
	BUS_CHAIN(s, natsOptions_SetSendAsap(nats, true)); /* the flusher thread costs about 1 ms a message */
	BUS_CHAIN(s, set_login(nats, options->access, login));
	return s;
}
