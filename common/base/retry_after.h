/*
 * Parsing and limiting of all Retry-After values, from headers and bodies.
 */
#ifndef COMMON_BASE_RETRY_AFTER_H
#define COMMON_BASE_RETRY_AFTER_H

#include <stdint.h>

#define RETRY_AFTER_MAX_S 60 /* seconds; larger values are reduced: proxies have sent a day */

/* Limit a value to 0..RETRY_AFTER_MAX_S; 0 for a negative one. */
int retry_after_grant(int64_t seconds);

/*
 * The same for the value of a Retry-After header, with optional white space around it. 0 for anything but digits: dates
 * are not supported.
 *
 * Source: RFC 9110 section 10.2.3.
 */
int retry_after_parse(const char *value);

#endif
