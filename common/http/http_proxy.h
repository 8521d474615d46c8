/*
 * Which proxy a request goes through. The rules of Go's net/http, so that we go the way that kubectl goes. Pure, but
 * for http_proxy_read_environment().
 *
 * Source: golang.org/x/net/http/httpproxy (Config.ProxyFunc). Not taken over: names in other scripts than Latin (IDNA)
 * are compared as they are written, and REQUEST_METHOD (CGI) has no meaning here.
 */
#ifndef COMMON_HTTP_HTTP_PROXY_H
#define COMMON_HTTP_HTTP_PROXY_H

#include <stdbool.h>

#include "common/base/buf.h"

#define HTTP_PROXY_MAX 4096 /* bytes of a proxy's URL; a longer one is none */

/* What is set; NULL: nothing. Borrowed. */
struct http_proxy_settings {
	const char *http;     /* for http:// */
	const char *https;    /* for https:// */
	const char *no_proxy; /* for whom there is none: names, addresses, networks, "*" */
};

/*
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY; one that is empty or not set: the same in lower case. The texts belong to the
 * environment, which does not change.
 */
struct http_proxy_settings http_proxy_read_environment(void);

/*
 * Append a proxy's URL in the form that libcurl takes: with a scheme, in lower case, and a port. socks5 becomes
 * socks5h: the proxy looks the host's name up.
 *
 * given  "http://user:password@proxy:3128/", "socks5://proxy", "proxy:3128" and the like; schemes that are not known
 *        and missing ones are taken as http.
 * False, and nothing appended: no host, white space or control characters in it, or too long.
 */
bool http_proxy_format(const char *given, struct buf *out);

/*
 * Append the proxy for a request, as http_proxy_format() writes it; nothing: go there directly. Never one for
 * "localhost" and loopback addresses.
 *
 * url  http or https; with host, and perhaps user and port.
 */
void http_proxy_choose(const struct http_proxy_settings *settings, const char *url, struct buf *out);

#endif
