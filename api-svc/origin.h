/*
 * Decides which web pages may send writes or run commands. A browser sends requests for any page, from inside its
 * network; the header Origin has the site of the page. Pure.
 *
 * Host alone is not sufficient: a name of the page's site may resolve to this address (DNS rebinding), and then Origin
 * and Host are equal.
 */
#ifndef API_SVC_ORIGIN_H
#define API_SVC_ORIGIN_H

#include <stdbool.h>

#include "common/base/error.h"

#define ORIGIN_LIST_VARIABLE "SP_SERVER_ORIGINS"
#define ORIGIN_LIST_FORM "origins such as https://console.example:8443, separated by commas"

struct origin_request {
	const char *origin; /* the header; NULL: none, not sent by a browser */
	const char *host;   /* the header; NULL: none */
	bool proven;        /* valid token, or TLS connection: not possible for another site */
	const char *listed; /* the value of ORIGIN_LIST_VARIABLE */
};

/*
 * Whether the request is allowed. With an Origin only if that is listed, or equals Host and that is proven, an address,
 * or localhost.
 * Errors: RC_PERMISSION_DENIED.
 */
enum rc origin_check(const struct origin_request *request, struct error *err) must_check;

/* Whether it is a valid value of ORIGIN_LIST_VARIABLE. "" is valid. */
bool origin_is_list(const char *text);

#endif
