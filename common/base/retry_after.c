#include "common/base/retry_after.h"

#include <string.h>

int retry_after_grant(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds < RETRY_AFTER_MAX_S ? (int)seconds : RETRY_AFTER_MAX_S;
}

int retry_after_parse(const char *value)
{
	const char *digits = value + strspn(value, " \t");
	size_t count = strspn(digits, "0123456789");
	const char *end = digits + count;
	int64_t seconds = 0;

	if (end[strspn(end, " \t\r\n")] != '\0')
		return 0;
	for (; digits < end && seconds < RETRY_AFTER_MAX_S; digits++)
		seconds = seconds * 10 + (*digits - '0');
	return retry_after_grant(seconds);
}
