#include "common/bus/bus_servers.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/config.h"
#include "common/services/secret.h"

#define LOGIN_MAX 4096 /* bytes; nats-server's limit of the CONNECT line */

static const struct scheme {
	const char *prefix;
	bool tls;
} schemes[] = {
	{ "nats://", false },
	{ "tls://", true },
};

struct span {
	const char *text;
	size_t len;
};

static bool skip(struct span *span, const char *prefix)
{
	size_t len = strlen(prefix);

	if (span->len < len || strncmp(span->text, prefix, len) != 0)
		return false;
	span->text += len;
	span->len -= len;
	return true;
}

static struct span trim(struct span span)
{
	while (span.len && span.text[0] == ' ') {
		span.text++;
		span.len--;
	}
	while (span.len && span.text[span.len - 1] == ' ')
		span.len--;
	return span;
}

/* A decoded part of a login. NULL: invalid, or out of memory. */
static char *decode(struct span part)
{
	struct buf out = buf_make(LOGIN_MAX);
	cleanup_secret char *text = NULL;

	if (percent_decode(&out, part.text, part.len) && !out.failed)
		text = str_dup(out.data ? out.data : "");
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_clear(&out);
	return TAKE(text);
}

bool bus_servers_can_send(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || strchr("\"\\\x7F", *c))
			return false;
	return true;
}

/* Set the login; it must be the same in all URLs. */
static enum rc set_login(char **place, bool first, char *value, struct error *err)
{
	cleanup_secret char *text = value;

	if (!text)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "its login is invalid; %% must be written as %%25, likewise bytes like @ or , be");
	if (!bus_servers_can_send(text))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "its login contains a quote, a backslash or a control character");
	if (!first && !str_equal(*place, text))
		return error_set(err, RC_INVALID_ARGUMENT, "its login differs from the previous one");
	secret_free(*place);
	*place = TAKE(text);
	return RC_OK;
}

static enum rc read_login(struct span login, struct bus_servers *servers, struct error *err)
{
	bool first = !servers->user && !servers->token;
	const char *colon = memchr(login.text, ':', login.len);
	size_t user_len = colon ? (size_t)(colon - login.text) : login.len;
	struct span user = { login.text, user_len };
	struct span password = { colon ? colon + 1 : login.text, colon ? login.len - user_len - 1 : 0 };
	enum rc rc;

	if (user_len == 0)
		return error_set(err, RC_INVALID_ARGUMENT, "no user before @");
	if (!colon)
		return set_login(&servers->token, first, decode(user), err);
	rc = set_login(&servers->user, first, decode(user), err);
	return rc ? rc : set_login(&servers->password, first, decode(password), err);
}

static enum rc read_server(struct span url, struct bus_servers *servers, struct error *err)
{
	const struct scheme *scheme = &schemes[0];
	const char *at;
	enum rc rc = RC_OK;

	if (url.len == 0)
		return error_set(err, RC_INVALID_ARGUMENT, "it is empty");
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (skip(&url, schemes[i].prefix))
			scheme = &schemes[i];
	at = memrchr(url.text, '@', url.len);
	if (at) {
		size_t len = (size_t)(at - url.text);

		rc = read_login((struct span){ url.text, len }, servers, err);
		url = (struct span){ at + 1, url.len - len - 1 };
	}
	if (rc)
		return rc;
	if (url.len && url.text[url.len - 1] == '/')
		url.len--;
	if (!config_is_authority(url.text, url.len) || memchr(url.text, '@', url.len))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "must be [nats://|tls://][user:password@]host[:port] with a port of 1 to 65535");
	if (url.text[url.len - 1] == ':')
		url.len--;
	if (servers->count == BUS_SERVERS_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "there are more than %d", BUS_SERVERS_MAX);
	if (asprintf(&servers->urls[servers->count], "%s%.*s", scheme->prefix, (int)url.len, url.text) < 0)
		return error_no_memory(err);
	servers->count++;
	servers->tls = servers->tls || scheme->tls;
	return RC_OK;
}

enum rc bus_servers_read(const char *list, struct bus_servers *ret_servers, struct error *err)
{
	struct bus_servers servers cleanup_with(bus_servers_clear) = { .count = 0 };
	size_t number = 1;
	bool more = true;
	enum rc rc = RC_OK;

	for (; !rc && more; number++) {
		size_t len = strcspn(list, ",");

		rc = read_server(trim((struct span){ list, len }), &servers, err);
		if (rc == RC_INVALID_ARGUMENT)
			error_wrap(err, rc, "SP_NATS_URL: server %zu", number);
		more = list[len] == ',';
		list += len + more;
	}
	if (rc)
		return rc;
	*ret_servers = servers;
	servers = (struct bus_servers){ .count = 0 };
	return RC_OK;
}

void bus_servers_clear(struct bus_servers *servers)
{
	for (size_t i = 0; i < servers->count; i++)
		free(servers->urls[i]);
	secret_free(servers->user);
	secret_free(servers->password);
	secret_free(servers->token);
	*servers = (struct bus_servers){ .count = 0 };
}
