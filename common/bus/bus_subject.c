/* Subject validation of bus.h; without cnats. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/bus.h"

#define SUBJECT_MAX 2048 /* bytes; nats-server accepts 4096 for a whole line */

bool bus_is_subject(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || strchr("*>\x7F", text[i]) ||
		    (text[i] == '.' && (i == 0 || text[i - 1] == '.')))
			return false;
	return len >= 1 && len <= SUBJECT_MAX && text[len - 1] != '.';
}

bool bus_is_inbox(const char *text)
{
	return str_has_prefix(text, "_INBOX") && bus_is_subject(text);
}
