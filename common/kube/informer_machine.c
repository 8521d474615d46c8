#include "common/kube/informer_machine.h"

#define STEP(next, pause)          \
	{                          \
		(next), (pause), 0 \
	}
#define IMPOSSIBLE                                               \
	{                                                        \
		INFORMER_WAITING_LIST, INFORMER_PAUSE_BACKOFF, 1 \
	}

/* clang-format off */
static const struct informer_step steps[INFORMER_STATE_COUNT][INFORMER_EVENT_COUNT] = {
	[INFORMER_LISTING] = {
		[INFORMER_LIST_DONE]     = STEP(INFORMER_WATCHING,      INFORMER_NO_PAUSE),
		[INFORMER_LIST_FAILED]   = STEP(INFORMER_WAITING_LIST,  INFORMER_PAUSE_BACKOFF),
		[INFORMER_WATCH_ENDED]   = IMPOSSIBLE,
		[INFORMER_WATCH_SHORT]   = IMPOSSIBLE,
		[INFORMER_WATCH_FAILED]  = IMPOSSIBLE,
		[INFORMER_WATCH_EXPIRED] = IMPOSSIBLE,
		[INFORMER_WATCH_BROKEN]  = IMPOSSIBLE,
		[INFORMER_PAUSE_OVER]    = IMPOSSIBLE,
	},
	[INFORMER_WATCHING] = {
		[INFORMER_LIST_DONE]     = IMPOSSIBLE,
		[INFORMER_LIST_FAILED]   = IMPOSSIBLE,
		[INFORMER_WATCH_ENDED]   = STEP(INFORMER_WATCHING,      INFORMER_NO_PAUSE),
		[INFORMER_WATCH_SHORT]   = STEP(INFORMER_WAITING_WATCH, INFORMER_PAUSE_BACKOFF),
		[INFORMER_WATCH_FAILED]  = STEP(INFORMER_WAITING_WATCH, INFORMER_PAUSE_BACKOFF),
		[INFORMER_WATCH_EXPIRED] = STEP(INFORMER_WAITING_LIST,  INFORMER_PAUSE_JITTER),
		[INFORMER_WATCH_BROKEN]  = STEP(INFORMER_WAITING_LIST,  INFORMER_PAUSE_BACKOFF),
		[INFORMER_PAUSE_OVER]    = IMPOSSIBLE,
	},
	[INFORMER_WAITING_LIST] = {
		[INFORMER_LIST_DONE]     = IMPOSSIBLE,
		[INFORMER_LIST_FAILED]   = IMPOSSIBLE,
		[INFORMER_WATCH_ENDED]   = IMPOSSIBLE,
		[INFORMER_WATCH_SHORT]   = IMPOSSIBLE,
		[INFORMER_WATCH_FAILED]  = IMPOSSIBLE,
		[INFORMER_WATCH_EXPIRED] = IMPOSSIBLE,
		[INFORMER_WATCH_BROKEN]  = IMPOSSIBLE,
		[INFORMER_PAUSE_OVER]    = STEP(INFORMER_LISTING,       INFORMER_NO_PAUSE),
	},
	[INFORMER_WAITING_WATCH] = {
		[INFORMER_LIST_DONE]     = IMPOSSIBLE,
		[INFORMER_LIST_FAILED]   = IMPOSSIBLE,
		[INFORMER_WATCH_ENDED]   = IMPOSSIBLE,
		[INFORMER_WATCH_SHORT]   = IMPOSSIBLE,
		[INFORMER_WATCH_FAILED]  = IMPOSSIBLE,
		[INFORMER_WATCH_EXPIRED] = IMPOSSIBLE,
		[INFORMER_WATCH_BROKEN]  = IMPOSSIBLE,
		[INFORMER_PAUSE_OVER]    = STEP(INFORMER_WATCHING,      INFORMER_NO_PAUSE),
	},
};
/* clang-format on */

static const char *const state_names[INFORMER_STATE_COUNT] = {
	[INFORMER_LISTING] = "listing",
	[INFORMER_WATCHING] = "watching",
	[INFORMER_WAITING_LIST] = "waiting to list",
	[INFORMER_WAITING_WATCH] = "waiting to watch",
};

static const char *const event_names[INFORMER_EVENT_COUNT] = {
	[INFORMER_LIST_DONE] = "list done",       [INFORMER_LIST_FAILED] = "list failed",
	[INFORMER_WATCH_ENDED] = "watch ended",   [INFORMER_WATCH_SHORT] = "watch ended at once",
	[INFORMER_WATCH_FAILED] = "watch failed", [INFORMER_WATCH_EXPIRED] = "watch expired",
	[INFORMER_WATCH_BROKEN] = "watch broken", [INFORMER_PAUSE_OVER] = "pause over",
};

struct informer_step informer_step(enum informer_state state, enum informer_event event)
{
	return steps[state][event];
}

const char *informer_state_name(enum informer_state state)
{
	return state_names[state];
}

const char *informer_event_name(enum informer_event event)
{
	return event_names[event];
}
