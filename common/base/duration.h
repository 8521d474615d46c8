/*
 * Durations in Go syntax: "500ms", "15s", "1h30m", "1.5s", "0".
 */
#ifndef COMMON_BASE_DURATION_H
#define COMMON_BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Read a duration with the units h, m, s, ms, us, µs and ns (Go's time.ParseDuration, without a sign).
 * False, and *ret_ms untouched, for anything else and for more than 100 years. Truncated to milliseconds.
 */
bool duration_parse_ms(const char *text, int64_t *ret_ms);

#endif
