#include "common/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/banned.h"

static int64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

void clock_format_rfc3339(int64_t wall_ms, bool with_ms, char out[CLOCK_RFC3339_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(out, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (with_ms)
		snprintf(out + used, CLOCK_RFC3339_MAX - used, ".%03dZ", (int)(wall_ms % 1000));
	else
		snprintf(out + used, CLOCK_RFC3339_MAX - used, "Z");
}

/* The decimals after the seconds, as milliseconds; *text is moved behind them. */
static int parse_decimals(const char **text)
{
	int ms = 0;
	int weight = 100;

	if (**text != '.')
		return 0;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++) {
		ms += (**text - '0') * weight;
		weight /= 10;
	}
	return ms;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_wall_ms)
{
	struct tm tm = { 0 };
	int offset_hours = 0;
	int offset_minutes = 0;
	int consumed = 0;
	char sign[2] = "Z";
	int ms;

	if (!text || sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
			    &tm.tm_min, &tm.tm_sec, &consumed) != 6)
		return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	text += consumed;
	ms = parse_decimals(&text);
	if (strcmp(text, "Z") != 0 && strcmp(text, "z") != 0) {
		consumed = 0;
		if (sscanf(text, "%1[+-]%2d:%2d%n", sign, &offset_hours, &offset_minutes, &consumed) != 3 ||
		    text[consumed] != '\0')
			return false;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_wall_ms = ((int64_t)timegm(&tm) -
			(sign[0] == '-' ? -1 : 1) * (offset_hours * 3600 + offset_minutes * 60)) *
			       1000 +
		       ms;
	return true;
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}
