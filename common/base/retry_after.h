/*
 * How long another side asks us to wait: the only way by which such a wish comes in, wherever it stands.
 */
#ifndef COMMON_BASE_RETRY_AFTER_H
#define COMMON_BASE_RETRY_AFTER_H

#include <stdint.h>

#define RETRY_AFTER_MAX_S 60 /* seconds; more is not granted to anybody: a proxy was seen to ask for a day */

/* The seconds that are granted for a wish: 0..RETRY_AFTER_MAX_S, 0 for a negative one. */
int retry_after_grant(int64_t seconds);

/*
 * The same for the value of a Retry-After header, white space around it allowed. 0 for anything but digits: a date is
 * no wish that a monotonic clock can follow.
 *
 * Source: RFC 9110 section 10.2.3.
 */
int retry_after_parse(const char *value);

#endif
