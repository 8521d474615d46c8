#include "registrar/registration.h"

#include "common/base/random.h"
#include "common/services/log.h"

#define JITTER_PARTS 10 /* the slow re-check varies by up to a tenth */

static const char *const state_names[REGISTRATION_STATE_COUNT] = {
	[REGISTRATION_WAITING] = "waiting for our API",
	[REGISTRATION_POSTING] = "posting",
	[REGISTRATION_BACKING_OFF] = "backing off",
	[REGISTRATION_REGISTERED] = "registered",
	[REGISTRATION_REFUSED] = "refused",
};

static const char *const event_names[REGISTRATION_EVENT_COUNT] = {
	[REGISTRATION_API_UP] = "API up",   [REGISTRATION_API_LOST] = "API lost", [REGISTRATION_DUE] = "due",
	[REGISTRATION_ACCEPT] = "accepted", [REGISTRATION_RETRY] = "to retry",    [REGISTRATION_REFUSE] = "refused",
};

/* clang-format off */
#define W REGISTRATION_WAITING
#define P REGISTRATION_POSTING
#define B REGISTRATION_BACKING_OFF
#define R REGISTRATION_REGISTERED
#define F REGISTRATION_REFUSED
static const signed char transitions[REGISTRATION_STATE_COUNT][REGISTRATION_EVENT_COUNT] = {
	/*       API up  API lost  due  accept  retry  reject */
	[W] = {  P,      -1,       -1,  -1,     -1,    -1 },
	[P] = { -1,       W,        P,   R,      B,     F },
	[B] = { -1,       W,        P,  -1,     -1,    -1 },
	[R] = { -1,       W,        P,  -1,     -1,    -1 },
	[F] = { -1,       W,        P,  -1,     -1,    -1 },
};
#undef W
#undef P
#undef B
#undef R
#undef F
/* clang-format on */

const char *registration_state_name(enum registration_state state)
{
	return state_names[state];
}

int registration_next_state(enum registration_state state, enum registration_event event)
{
	return transitions[state][event];
}

/* The only place that changes the state. */
static void set_state(struct registration *r, enum registration_event event)
{
	int next = registration_next_state(r->state, event);

	if (next < 0) {
		log_error("ignoring an invalid event for this state", log_str("state", state_names[r->state]),
			  log_str("event", event_names[event]));
		return;
	}
	log_debug("state", log_str("from", state_names[r->state]), log_str("to", state_names[next]),
		  log_str("event", event_names[event]));
	r->state = (enum registration_state)next;
}

void registration_init(struct registration *r, int64_t interval_ms, int64_t now_ms)
{
	*r = (struct registration){
		.interval_ms = interval_ms,
		.backoff = { .first_ms = REGISTRATION_BACKOFF_FIRST_MS, .max_ms = REGISTRATION_BACKOFF_MAX_MS },
		.ask_at_ms = now_ms,
		.not_before_ms = now_ms,
	};
}

/* Check first: a POST is useless if our API is down. */
enum registration_todo registration_todo(const struct registration *r, int64_t now_ms, int64_t *ret_wait_ms)
{
	bool posts = r->state != REGISTRATION_WAITING;
	int64_t next_ms = posts && r->post_at_ms < r->ask_at_ms ? r->post_at_ms : r->ask_at_ms;

	if (now_ms >= r->ask_at_ms)
		return REGISTRATION_ASK;
	if (posts && now_ms >= r->post_at_ms)
		return REGISTRATION_POST;
	*ret_wait_ms = next_ms - now_ms;
	return REGISTRATION_WAIT;
}

static void start_round(struct registration *r)
{
	r->attempt = 0;
	backoff_reset(&r->backoff);
}

static void on_answered(struct registration *r, int64_t now_ms)
{
	r->misses = 0;
	r->ask_at_ms = now_ms + REGISTRATION_ASK_MS;
	if (r->state != REGISTRATION_WAITING)
		return;
	start_round(r);
	r->post_at_ms = now_ms > r->not_before_ms ? now_ms : r->not_before_ms;
	set_state(r, REGISTRATION_API_UP);
}

static void on_missed(struct registration *r, int64_t now_ms)
{
	bool eager;

	r->misses++;
	if (r->state != REGISTRATION_WAITING && r->misses >= REGISTRATION_OUTAGE_ASKS) {
		r->misses = 0;
		set_state(r, REGISTRATION_API_LOST);
	}
	eager = r->state == REGISTRATION_WAITING && r->misses < REGISTRATION_EAGER_ASKS;
	if (r->misses > REGISTRATION_EAGER_ASKS)
		r->misses = REGISTRATION_EAGER_ASKS; /* avoid an overflow */
	r->ask_at_ms = now_ms + (eager ? REGISTRATION_ASK_EAGER_MS : REGISTRATION_ASK_MISSED_MS);
}

void registration_asked(struct registration *r, bool answered, int64_t now_ms)
{
	if (answered)
		on_answered(r, now_ms);
	else
		on_missed(r, now_ms);
}

void registration_begin(struct registration *r)
{
	set_state(r, REGISTRATION_DUE);
	r->attempt++;
}

static int64_t with_jitter(int64_t ms)
{
	return ms - ms / JITTER_PARTS + random_below(2 * (ms / JITTER_PARTS) + 1);
}

enum registration_event registration_meaning(const struct registration_answer *answer)
{
	int status = answer->status;

	if (answer->rc == RC_INVALID_ARGUMENT)
		return REGISTRATION_REFUSE;
	/* A response that is too large counts as a response; any other truncated one does not. */
	if ((answer->rc && answer->rc != RC_TOO_LARGE) || status == 0)
		return REGISTRATION_RETRY;
	if (status >= 200 && status < 300)
		return REGISTRATION_ACCEPT;
	return status == 408 || status == 429 || status >= 500 ? REGISTRATION_RETRY : REGISTRATION_REFUSE;
}

int64_t registration_retry_ms(struct backoff *backoff, const struct registration_answer *answer)
{
	int64_t wish_ms = answer->retry_after_s * 1000LL;

	return wish_ms ? wish_ms + random_below(1000) : backoff_next_ms(backoff);
}

void registration_posted(struct registration *r, const struct registration_answer *answer, int64_t now_ms)
{
	enum registration_event event = registration_meaning(answer);

	if (event == REGISTRATION_RETRY) {
		r->post_at_ms = now_ms + registration_retry_ms(&r->backoff, answer);
		r->not_before_ms = answer->retry_after_s > 0 ? r->post_at_ms : now_ms;
	} else {
		r->post_at_ms = now_ms + with_jitter(r->interval_ms);
		r->not_before_ms = now_ms;
		start_round(r);
	}
	set_state(r, event);
}
