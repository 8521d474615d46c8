/*
 * Time. Timeouts and intervals use the monotonic clock; the wall clock is for timestamps and for deadlines that are
 * sent to other machines.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_RFC3339_MAX 32 /* bytes for "2006-01-02T15:04:05.000Z" with its NUL, rounded up */

/* Milliseconds, monotonic, valid only within the current boot of this machine. */
int64_t clock_mono_ms(void);

/* Nanoseconds of the same clock, for latencies. */
int64_t clock_mono_ns(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);

/* Write wall_ms as RFC 3339 in UTC; whole seconds, or with three decimals. */
void clock_format_rfc3339(int64_t wall_ms, bool with_ms, char out[CLOCK_RFC3339_MAX]);

/*
 * Read an RFC 3339 time with any offset and any number of decimals (truncated to milliseconds). A leap second is the
 * first one of the next month.
 * NULL and anything that is not such a time (a day that its month does not have, a second 60 elsewhere, no offset):
 * false, *ret_wall_ms untouched.
 */
bool clock_parse_rfc3339(const char *text, int64_t *ret_wall_ms);

/* Sleep at least ms milliseconds, also if signals arrive. Blocks. */
void clock_sleep_ms(int64_t ms);

#endif
