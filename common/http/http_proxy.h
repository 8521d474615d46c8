/*
 * Selects the proxy of a request, by the rules of Go's net/http, so that it is the same as for kubectl. Pure, except
 * for http_proxy_read_environment().
 *
 * Source: golang.org/x/net/http/httpproxy (Config.ProxyFunc). Differences: international names (IDNA) are compared as
 * written, and REQUEST_METHOD (CGI) is ignored.
 */
#ifndef COMMON_HTTP_HTTP_PROXY_H
#define COMMON_HTTP_HTTP_PROXY_H

#include <stdbool.h>

#include "common/base/buf.h"

#define HTTP_PROXY_MAX 4096 /* bytes of a proxy URL; longer ones are ignored */

/* The settings; NULL: not set. Borrowed. */
struct http_proxy_settings {
	const char *http;     /* for http:// */
	const char *https;    /* for https:// */
	const char *no_proxy; /* exceptions: names, addresses, networks, "*" */
};

/*
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY; if empty or not set, the lower-case variable. The texts are owned by the
 * environment, which does not change.
 */
struct http_proxy_settings http_proxy_read_environment(void);

/*
 * Append a proxy URL in libcurl's form: with a lower-case scheme and a port. socks5 becomes socks5h: the proxy resolves
 * host names.
 *
 * given  "http://user:password@proxy:3128/", "socks5://proxy", "proxy:3128" and the like; unknown and missing schemes
 *        are treated as http.
 * Returns false, with nothing appended, if it has no host, contains white space or control characters, or is too long.
 */
bool http_proxy_format(const char *given, struct buf *out);

/*
 * Append the proxy for a request, in the form of http_proxy_format(); nothing: connect directly. Never a proxy for
 * "localhost" and loopback addresses.
 *
 * url http or https; with host, optionally user and port.
 */
void http_proxy_choose(const struct http_proxy_settings *settings, const char *url, struct buf *out);

#endif
