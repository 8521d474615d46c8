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

/* `count` digits, as a number; *text is advanced. Returns false for other characters. */
static bool parse_digits(const char **text, int count, int *ret_value)
{
	int value = 0;

	for (; count > 0; count--, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = value * 10 + **text - '0';
	}
	*ret_value = value;
	return true;
}

/* One of the characters; *text is advanced. */
static bool parse_one_of(const char **text, const char *characters)
{
	return **text && strchr(characters, *(*text)++);
}

/* The optional decimals of the seconds, as milliseconds; *text is advanced. */
static bool parse_decimals(const char **text, int *ret_ms)
{
	const char *first = *text + 1;
	int weight = 100;

	*ret_ms = 0;
	if (**text != '.')
		return true;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++) {
		*ret_ms += (**text - '0') * weight;
		weight /= 10;
	}
	return *text > first;
}

/* The offset from UTC, to be subtracted. */
static bool parse_zone(const char **text, int *ret_seconds)
{
	bool west = **text == '-';
	int hours = 0;
	int minutes = 0;

	if (!parse_one_of(text, "Zz+-"))
		return false;
	if (strchr("+-", (*text)[-1]) && !(parse_digits(text, 2, &hours) && parse_one_of(text, ":") &&
					   parse_digits(text, 2, &minutes) && hours <= 23 && minutes <= 59))
		return false;
	*ret_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

/* timegm() converts February 31 to March 3. */
static bool is_date(const struct tm *tm)
{
	struct tm copy = *tm;

	(void)timegm(&copy);
	return copy.tm_mday == tm->tm_mday && copy.tm_mon == tm->tm_mon;
}

/* A second 60 is a leap second: the last one of a month in UTC (RFC 3339, section 5.7). `end`: what follows it. */
static bool ends_month(time_t end)
{
	struct tm tm;

	gmtime_r(&end, &tm);
	return tm.tm_mday == 1 && tm.tm_hour == 0 && tm.tm_min == 0 && tm.tm_sec == 0;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_wall_ms)
{
	struct tm date = { 0 };
	int hour, minute, second, ms, zone;
	time_t seconds;

	if (!text || !parse_digits(&text, 4, &date.tm_year) || !parse_one_of(&text, "-") ||
	    !parse_digits(&text, 2, &date.tm_mon) || !parse_one_of(&text, "-") ||
	    !parse_digits(&text, 2, &date.tm_mday) || !parse_one_of(&text, "Tt") || !parse_digits(&text, 2, &hour) ||
	    !parse_one_of(&text, ":") || !parse_digits(&text, 2, &minute) || !parse_one_of(&text, ":") ||
	    !parse_digits(&text, 2, &second) || !parse_decimals(&text, &ms) || !parse_zone(&text, &zone) || *text)
		return false;
	date.tm_year -= 1900;
	date.tm_mon -= 1;
	if (!is_date(&date) || hour > 23 || minute > 59 || second > 60)
		return false;
	seconds = timegm(&date) + hour * 3600 + minute * 60 + second - zone;
	if (second == 60 && !ends_month(seconds))
		return false;
	*ret_wall_ms = (int64_t)seconds * 1000 + ms;
	return true;
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}
