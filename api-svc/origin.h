/*
 * Which web pages may change something, or run commands. A browser sends requests for any page that it shows, from
 * inside its network; the header Origin names the page's site. Pure.
 *
 * Host does not prove that the page is ours: a name of the page's own site may resolve to our address by now (DNS
 * rebinding), and then Origin and Host are the same.
 */
#ifndef API_SVC_ORIGIN_H
#define API_SVC_ORIGIN_H

#include <stdbool.h>

#include "common/base/error.h"

#define ORIGIN_LIST_VARIABLE "SP_SERVER_ORIGINS"
#define ORIGIN_LIST_FORM "origins such as https://console.example:8443, separated by commas"

struct origin_request {
	const char *origin; /* the header; NULL: there is none, no browser has sent it */
	const char *host;   /* the header; NULL: none */
	bool proven;        /* the client has shown a token, or the connection has TLS: a page of another site cannot */
	const char *listed; /* the value of ORIGIN_LIST_VARIABLE */
};

/*
 * Whether the request is allowed. With an Origin only when that is listed, or is the request's own Host and that is
 * proven, an address, or localhost.
 * Errors: RC_PERMISSION_DENIED.
 */
enum rc origin_check(const struct origin_request *request, struct error *err) must_check;

/* Whether it is a value of ORIGIN_LIST_VARIABLE. "" is. */
bool origin_is_list(const char *text);

#endif
