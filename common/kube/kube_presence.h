/*
 * Is the API server there? What all calls of this process have seen of it, whichever way they take. Any thread.
 */
#ifndef COMMON_KUBE_KUBE_PRESENCE_H
#define COMMON_KUBE_KUBE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

/* An answer below 500, or a part of one, has arrived. */
void kube_presence_note_answer(void);

/* A call got no answer at all. */
void kube_presence_note_absence(void);

/* When the last answer was noted: clock_mono_ms(); 0: never. */
int64_t kube_presence_last_answer_ms(void);

/* Was an absence noted within the last 20 s? Then the server may have just been started. */
bool kube_presence_was_away(void);

/*
 * A server that has just been started forbids everything until it has read its roles: make RC_UNAVAILABLE of
 * RC_PERMISSION_DENIED when it was away. For calls that do not ask it whether it is ready, as kube_client_do() does.
 */
void kube_presence_doubt_refusal(struct error *err);

#endif
