#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/bus_private.h"

#define CONNECT_TIMEOUT_MS 2000
#define PING_INTERVAL_MS 5000 /* with PINGS_OUT_MAX: detects a half-open connection, or a stopped server, within 15 s */
#define PINGS_OUT_MAX 2
#define WRITE_TIMEOUT_MS 2000 /* a blocked write holds the connection's lock; cnats' default is forever */

static natsStatus give_jwt(char **ret_jwt, char **ret_fault unused, void *closure)
{
	const struct bus_login *login = closure;

	*ret_jwt = str_dup(login->jwt);
	return *ret_jwt ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus sign(char **ret_fault unused, unsigned char **ret_signature, int *ret_len, const char *nonce,
		       void *closure)
{
	const struct bus_login *login = closure;

	return nats_Sign(login->nkey.seed, nonce, ret_signature, ret_len);
}

/*
 * cnats does not decode the user in a URL, so it is passed separately. There is one login at most (bus_access_check()).
 */
static natsStatus set_user(natsOptions *nats, const struct bus_access *access, const struct bus_login *login)
{
	const struct bus_servers *servers = &login->servers;
	const char *token = login->token ? login->token : servers->token;

	if (login->password)
		return natsOptions_SetUserInfo(nats, access->user, login->password);
	if (servers->user)
		return natsOptions_SetUserInfo(nats, servers->user, servers->password);
	return token ? natsOptions_SetToken(nats, token) : NATS_OK;
}

static natsStatus set_login(natsOptions *nats, const struct bus_access *access, const struct bus_login *login)
{
	void *closure = (void *)(uintptr_t)login; /* only read */
	natsStatus s = set_user(nats, access, login);

	if (login->jwt)
		BUS_CHAIN(s, natsOptions_SetUserCredentialsCallbacks(nats, give_jwt, closure, sign, closure));
	else if (login->nkey.public[0])
		BUS_CHAIN(s, natsOptions_SetNKey(nats, login->nkey.public, sign, closure));
	if (login->tls)
		BUS_CHAIN(s, natsOptions_SetSecure(nats, true));
	if (login->ca)
		BUS_CHAIN(s, natsOptions_SetCATrustedCertificates(nats, login->ca));
	if (login->certificate)
		BUS_CHAIN(s, natsOptions_SetCertificatesChain(nats, login->certificate, login->key));
	return s;
}

natsStatus bus_settings_set(natsOptions *nats, const struct bus_options *options, const struct bus_login *login)
{
	const struct bus_servers *servers = &login->servers;
	const char *urls[BUS_SERVERS_MAX];
	natsStatus s;

	for (size_t i = 0; i < servers->count; i++)
		urls[i] = servers->urls[i];
	s = natsOptions_SetServers(nats, urls, (int)servers->count);
	BUS_CHAIN(s, natsOptions_SetName(nats, options->client_name));
	BUS_CHAIN(s, natsOptions_SetTimeout(nats, CONNECT_TIMEOUT_MS));
	BUS_CHAIN(s, natsOptions_SetAllowReconnect(nats, true));
	BUS_CHAIN(s, natsOptions_SetMaxReconnect(nats, -1));
	BUS_CHAIN(s, natsOptions_SetReconnectBufSize(nats, 0)); /* no buffer, contrary to the documentation */
	BUS_CHAIN(s, natsOptions_SetPingInterval(nats, PING_INTERVAL_MS));
	BUS_CHAIN(s, natsOptions_SetMaxPingsOut(nats, PINGS_OUT_MAX));
	BUS_CHAIN(s, natsOptions_SetWriteDeadline(nats, options->write_timeout_ms ? options->write_timeout_ms
										  : WRITE_TIMEOUT_MS));
	BUS_CHAIN(s, natsOptions_SetSendAsap(nats, true)); /* the flusher thread adds about 1 ms per message */
	BUS_CHAIN(s, set_login(nats, options->access, login));
	return s;
}
