#include "common/http/http_proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/strutil.h"

#define HOST_MAX 256 /* bytes of a host name or NO_PROXY entry, with the NUL; longer ones match nothing */
#define PORT_MAX 8

/* ---- the environment --------------------------------------------------------------------------------------------- */

static const char *variable(const char *upper, const char *lower)
{
	const char *value = getenv(upper);

	return value && value[0] ? value : getenv(lower);
}

struct http_proxy_settings http_proxy_read_environment(void)
{
	return (struct http_proxy_settings){
		.http = variable("HTTP_PROXY", "http_proxy"),
		.https = variable("HTTPS_PROXY", "https_proxy"),
		.no_proxy = variable("NO_PROXY", "no_proxy"),
	};
}

/* ---- URLs of proxies --------------------------------------------------------------------------------------------- */

static const struct scheme_row {
	const char *scheme;
	const char *curl_scheme;
	const char *port;
} scheme_rows[] = {
	{ "http", "http", "80" }, /* first row: the default */
	{ "https", "https", "443" },
	{ "socks5", "socks5h", "1080" },
	{ "socks5h", "socks5h", "1080" },
};

static const struct scheme_row *find_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(scheme_rows); i++)
		if (strlen(scheme_rows[i].scheme) == len && strncasecmp(scheme_rows[i].scheme, text, len) == 0)
			return &scheme_rows[i];
	return &scheme_rows[0];
}

/* The authority of a URL: "host:port", optionally with a user. */
struct authority {
	const char *text;
	size_t len;
	const char *host; /* within text */
	size_t host_len;  /* with the brackets of an IPv6 address */
	const char *port; /* within text; NULL: none */
	size_t port_len;
};

static struct authority split_authority(const char *text)
{
	struct authority a = { .text = text, .len = strcspn(text, "/?#") };
	const char *at = memrchr(text, '@', a.len);
	const char *end = text + a.len;
	const char *bracket;
	const char *colon;

	a.host = at ? at + 1 : text;
	bracket = memrchr(a.host, ']', (size_t)(end - a.host));
	colon = memrchr(a.host, ':', (size_t)(end - a.host));
	if (colon && bracket && colon < bracket)
		colon = NULL;
	a.host_len = (size_t)((colon ? colon : end) - a.host);
	if (colon && colon + 1 < end) {
		a.port = colon + 1;
		a.port_len = (size_t)(end - a.port);
	}
	return a;
}

static bool is_one_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7F)
			return false;
	return true;
}

bool http_proxy_format(const char *given, struct buf *out)
{
	const char *colon = strstr(given, "://");
	const struct scheme_row *row = find_scheme(given, colon ? (size_t)(colon - given) : 0);
	struct authority a = split_authority(colon ? colon + 3 : given);

	if (a.host_len == 0 || a.len >= HTTP_PROXY_MAX || !is_one_word(given, strlen(given)))
		return false;
	buf_addf(out, "%s://", row->curl_scheme);
	buf_add(out, a.text, (size_t)(a.host - a.text) + a.host_len);
	buf_add_char(out, ':');
	buf_add(out, a.port ? a.port : row->port, a.port ? a.port_len : strlen(row->port));
	return true;
}

/* ---- the destination --------------------------------------------------------------------------------------------- */

/* An IPv4 address is stored as an IPv4-mapped IPv6 address (::ffff:a.b.c.d). */
struct address {
	uint8_t bytes[16];
};

static const uint8_t v4_prefix[12] = { [10] = 0xFF, [11] = 0xFF };

static bool is_v4(const struct address *a)
{
	return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

static bool parse_address(const char *text, struct address *ret)
{
	struct address a;

	if (inet_pton(AF_INET6, text, a.bytes) != 1) {
		memcpy(a.bytes, v4_prefix, sizeof(v4_prefix));
		if (inet_pton(AF_INET, text, a.bytes + sizeof(v4_prefix)) != 1)
			return false;
	}
	*ret = a;
	return true;
}

static bool is_loopback(const struct address *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, v6, sizeof(v6)) == 0;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned bytes = bits / 8;
	uint8_t mask = (uint8_t)(0xFF00u >> bits % 8);

	return memcmp(a->bytes, b->bytes, bytes) == 0 &&
	       (bits % 8 == 0 || ((a->bytes[bytes] ^ b->bytes[bytes]) & mask) == 0);
}

/* Host and port of a request, for comparison with NO_PROXY. */
struct destination {
	char host[HOST_MAX]; /* in lower case, without brackets */
	char port[PORT_MAX];
	bool is_address;
	struct address address;
};

static bool copy_lower(const char *text, size_t len, char *out, size_t size)
{
	if (len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	return true;
}

/* Returns false if it does not fit: no entry can match it. */
static bool read_destination(const char *url, struct destination *ret)
{
	const char *colon = strstr(url, "://");
	struct authority a = split_authority(colon ? colon + 3 : url);
	struct destination d = { .port = "" };
	bool bracketed = a.host_len > 2 && a.host[0] == '[' && a.host[a.host_len - 1] == ']';
	const char *default_port = find_scheme(url, colon ? (size_t)(colon - url) : 0)->port;

	if (!copy_lower(a.host + bracketed, a.host_len - 2 * bracketed, d.host, sizeof(d.host)) ||
	    !copy_lower(a.port ? a.port : default_port, a.port ? a.port_len : strlen(default_port), d.port,
			sizeof(d.port)))
		return false;
	if (bracketed)
		d.host[strcspn(d.host, "%")] = '\0'; /* the zone of a link-local address */
	d.is_address = parse_address(d.host, &d.address);
	*ret = d;
	return true;
}

/* ---- NO_PROXY ---------------------------------------------------------------------------------------------------- */

/* "10.0.0.0/8", "2001:db8::/32". ret_match is set only if the entry is a network. */
static bool read_network(char *entry, const struct destination *d, bool *ret_match)
{
	char *slash = strchr(entry, '/');
	struct address network;
	int64_t bits;
	bool found;

	if (!slash)
		return false;
	*slash = '\0';
	found = parse_address(entry, &network) && str_parse_int64(slash + 1, &bits) && bits >= 0 &&
		bits <= (strchr(entry, ':') ? 128 : 32);
	if (found) {
		bits += strchr(entry, ':') ? 0 : 96;
		*ret_match = d->is_address && is_v4(&d->address) == is_v4(&network) &&
			     same_bits(&d->address, &network, (unsigned)bits);
	}
	*slash = '/';
	return found;
}

/* Split "host:port" and "[address]:port"; NULL: no port. */
static char *cut_port(char **entry)
{
	char *colon = strrchr(*entry, ':');
	bool bracketed = (*entry)[0] == '[';

	if (!colon || (!bracketed && strchr(*entry, ':') != colon) || (bracketed && colon[-1] != ']'))
		return NULL;
	if (bracketed) {
		colon[-1] = '\0';
		(*entry)++;
	}
	*colon = '\0';
	return colon + 1;
}

/* ".example.com" and "*.example.com" match subdomains; "example.com" also matches itself. */
static bool is_in_domain(const char *host, const char *domain)
{
	bool itself = domain[0] != '.' && !str_has_prefix(domain, "*.");
	const char *name = itself ? domain : strchr(domain, '.') + 1;
	size_t len = strlen(name);
	size_t host_len = strlen(host);

	if (host_len <= len)
		return itself && strcmp(host, name) == 0;
	return strcmp(host + host_len - len, name) == 0 && host[host_len - len - 1] == '.';
}

static bool matches(char *entry, const struct destination *d)
{
	struct address address;
	bool match = false;
	const char *port;

	if (read_network(entry, d, &match))
		return match;
	port = cut_port(&entry);
	if (entry[0] == '\0' || (port && port[0] && strcmp(port, d->port) != 0))
		return false;
	if (parse_address(entry, &address))
		return d->is_address && memcmp(&address, &d->address, sizeof(address)) == 0;
	return is_in_domain(d->host, entry);
}

static bool is_excepted(const char *no_proxy, const struct destination *d)
{
	for (const char *at = no_proxy ? no_proxy : ""; *at; at += strcspn(at, ","), at += *at == ',') {
		size_t len = strcspn(at, ",");
		const char *start = at;
		char entry[HOST_MAX];

		while (len > 0 && isspace((unsigned char)*start))
			start++, len--;
		while (len > 0 && isspace((unsigned char)start[len - 1]))
			len--;
		if (len == 0 || !copy_lower(start, len, entry, sizeof(entry)))
			continue;
		if (strcmp(entry, "*") == 0 || matches(entry, d))
			return true;
	}
	return false;
}

void http_proxy_choose(const struct http_proxy_settings *settings, const char *url, struct buf *out)
{
	const char *proxy = strncasecmp(url, "https:", 6) == 0 ? settings->https : settings->http;
	struct destination d;

	if (!proxy || !proxy[0])
		return;
	if (read_destination(url, &d) &&
	    (strcmp(d.host, "localhost") == 0 || (d.is_address && is_loopback(&d.address)) ||
	     is_excepted(settings->no_proxy, &d)))
		return;
	(void)http_proxy_format(proxy, out); /* an invalid URL means no proxy, as in Go */
}
