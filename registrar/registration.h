/*
 * When to ask whether our API answers, when to post to the registry, and what follows from each answer: the machine
 * of the registrar, without any I/O. The time is a parameter (ms, monotonic); only the jitter is random.
 */
#ifndef REGISTRAR_REGISTRATION_H
#define REGISTRAR_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/backoff.h"
#include "common/base/error.h"

#define REGISTRATION_BACKOFF_FIRST_MS 1000
#define REGISTRATION_BACKOFF_MAX_MS 60000

#define REGISTRATION_ASK_MS 10000       /* between two checks while our API answers */
#define REGISTRATION_ASK_MISSED_MS 5000 /* after one that was not answered */
#define REGISTRATION_OUTAGE_ASKS 3 /* unanswered in a row: an outage, within 20 s; DCM gives up after as many polls */
#define REGISTRATION_ASK_EAGER_MS 1000 /* while we wait for our API */
#define REGISTRATION_EAGER_ASKS 60     /* of those; then it is REGISTRATION_ASK_MISSED_MS */

enum registration_state {
	REGISTRATION_WAITING,     /* our API does not answer: not yet, or not any more */
	REGISTRATION_POSTING,     /* a request runs or is to be sent now */
	REGISTRATION_BACKING_OFF, /* the registry could not do it: again soon */
	REGISTRATION_REGISTERED,
	REGISTRATION_REFUSED, /* the registry does not want it: again with the slow re-check only */
	REGISTRATION_STATE_COUNT
};

enum registration_event {
	REGISTRATION_API_UP,   /* our API answers again, or for the first time */
	REGISTRATION_API_LOST, /* it has not answered for a while */
	REGISTRATION_DUE,      /* the time to post again has come */
	REGISTRATION_ACCEPT,   /* what the registry said */
	REGISTRATION_RETRY,
	REGISTRATION_REFUSE,
	REGISTRATION_EVENT_COUNT
};

enum registration_todo {
	REGISTRATION_WAIT,
	REGISTRATION_ASK,  /* ask our API, then call registration_asked() */
	REGISTRATION_POST, /* call registration_begin(), post, then call registration_posted() */
};

/* What came of one POST. */
struct registration_answer {
	enum rc rc;                /* of the transport; RC_OK: an answer came */
	int status;                /* HTTP status; 0: none came */
	int retry_after_s;         /* as retry_after_parse() grants it; 0: not said */
	char text[ERROR_TEXT_MAX]; /* the answer's body, or what went wrong; for the log, cut */
};

struct registration {
	enum registration_state state;
	int64_t interval_ms;
	struct backoff backoff;
	int attempt; /* the number of the last POST in this round, from 1; a round ends with an accept or reject */
	int misses;  /* checks in a row without a reply */
	int64_t ask_at_ms;     /* when to ask our API next */
	int64_t post_at_ms;    /* when to post next, unless waiting for our API */
	int64_t not_before_ms; /* no POST before: Retry-After */
};

/* Begin waiting for our API, with the first check now. interval_ms: of the slow re-check, > 0. */
void registration_init(struct registration *r, int64_t interval_ms, int64_t now_ms);

/* What is to be done at this moment. REGISTRATION_WAIT: *ret_wait_ms says for how long, > 0. */
enum registration_todo registration_todo(const struct registration *r, int64_t now_ms, int64_t *ret_wait_ms);

/* Our API was asked, and was there or not. */
void registration_asked(struct registration *r, bool answered, int64_t now_ms);

/* A POST begins: its number is in r->attempt. */
void registration_begin(struct registration *r);

/* The POST has ended. How long until the next is r->post_at_ms - now_ms. */
void registration_posted(struct registration *r, const struct registration_answer *answer, int64_t now_ms);

/*
 * What an answer means: REGISTRATION_ACCEPT for 2xx; REGISTRATION_RETRY for 408, 429, 5xx, and when no whole answer
 * came; REGISTRATION_REFUSE for every other status, and for a URL or authority file that cannot be used.
 */
enum registration_event registration_meaning(const struct registration_answer *answer);

/* How long to wait after an answer that means REGISTRATION_RETRY: what it asked for, else the next backoff. */
int64_t registration_retry_ms(struct backoff *backoff, const struct registration_answer *answer);

/* "waiting for our API" and so on; never NULL for a valid value. */
const char *registration_state_name(enum registration_state state);

/* The state that follows; -1: the event cannot happen in that state. */
int registration_next_state(enum registration_state state, enum registration_event event);

#endif
