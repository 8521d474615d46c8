#include "common/kube/kube_presence.h"

#include "common/base/clock.h"

#define JUST_NOW_MS 20000

/* 0: never. */
static _Atomic int64_t last_answer_ms;
static _Atomic int64_t last_absence_ms;

void kube_presence_note_answer(void)
{
	last_answer_ms = clock_mono_ms();
}

void kube_presence_note_absence(void)
{
	last_absence_ms = clock_mono_ms();
}

int64_t kube_presence_last_answer_ms(void)
{
	return last_answer_ms;
}

bool kube_presence_was_away(void)
{
	int64_t absence_ms = last_absence_ms;

	return absence_ms && clock_mono_ms() - absence_ms < JUST_NOW_MS;
}

void kube_presence_doubt_refusal(struct error *err)
{
	if (err->rc == RC_PERMISSION_DENIED && kube_presence_was_away())
		error_set(err, RC_UNAVAILABLE, "the API server is not ready");
}
