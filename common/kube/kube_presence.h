/*
 * Availability of the API server, as observed by all calls of this process. Thread-safe.
 */
#ifndef COMMON_KUBE_KUBE_PRESENCE_H
#define COMMON_KUBE_KUBE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

/* Record that a response below 500, or a part of one, was received. */
void kube_presence_note_answer(void);

/* Record that a call received no response. */
void kube_presence_note_absence(void);

/* Time of the last recorded response: clock_mono_ms(); 0: never. */
int64_t kube_presence_last_answer_ms(void);

/* Whether an absence was recorded within the last 20 s: the server may have just been started. */
bool kube_presence_was_away(void);

/*
 * A server that has just started denies all requests until it has loaded its roles: change RC_PERMISSION_DENIED to
 * RC_UNAVAILABLE if it was absent. For calls that do not check /readyz as kube_client_do() does.
 */
void kube_presence_doubt_refusal(struct error *err);

#endif
