/*
 * Media types accepted by a client: the header Accept (RFC 9110 section 12.5.1). Pure.
 */
#ifndef API_SVC_ACCEPT_H
#define API_SVC_ACCEPT_H

#include <stdbool.h>

#define ACCEPT_EVENT_STREAM "text/event-stream"
#define ACCEPT_MAX 4096 /* bytes of the header that are considered, with a NUL */

/* Whether it names the event stream explicitly. accept: the header, as one list; "": absent. */
bool accept_names_events(const char *accept);

/* Whether the response may be an event stream. Also by a wildcard, or without the header. */
bool accept_allows_events(const char *accept);

#endif
