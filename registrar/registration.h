/*
 * The state machine of the registrar: when to check our API, when to post to the registry, and the reaction to each
 * response. No I/O. The time is a parameter (ms, monotonic); only the jitter is random.
 */
#ifndef REGISTRAR_REGISTRATION_H
#define REGISTRAR_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/backoff.h"
#include "common/base/error.h"

#define REGISTRATION_BACKOFF_FIRST_MS 1000
#define REGISTRATION_BACKOFF_MAX_MS 60000

#define REGISTRATION_ASK_MS 10000       /* check interval while our API responds */
#define REGISTRATION_ASK_MISSED_MS 5000 /* after a failed check */
#define REGISTRATION_OUTAGE_ASKS 3 /* consecutive failures: an outage, within 20 s; DCM uses the same number of polls */
#define REGISTRATION_ASK_EAGER_MS 1000 /* while waiting for our API */
#define REGISTRATION_EAGER_ASKS 60     /* number of these; then REGISTRATION_ASK_MISSED_MS */

enum registration_state {
	REGISTRATION_WAITING,     /* our API does not respond yet, or no longer */
	REGISTRATION_POSTING,     /* a request is running or due */
	REGISTRATION_BACKING_OFF, /* temporary error of the registry: retry soon */
	REGISTRATION_REGISTERED,
	REGISTRATION_REFUSED, /* rejected by the registry: retry with the slow re-check */
	REGISTRATION_STATE_COUNT
};

enum registration_event {
	REGISTRATION_API_UP,   /* our API responds again, or for the first time */
	REGISTRATION_API_LOST, /* our API has not responded for a while */
	REGISTRATION_DUE,      /* the next post is due */
	REGISTRATION_ACCEPT,   /* the response of the registry */
	REGISTRATION_RETRY,
	REGISTRATION_REFUSE,
	REGISTRATION_EVENT_COUNT
};

enum registration_todo {
	REGISTRATION_WAIT,
	REGISTRATION_ASK,  /* check our API, then call registration_asked() */
	REGISTRATION_POST, /* call registration_begin(), post, then call registration_posted() */
};

/* The result of a POST. */
struct registration_answer {
	enum rc rc;                /* of the transport; RC_OK: a response was received */
	int status;                /* HTTP status; 0: none */
	int retry_after_s;         /* by retry_after_parse(); 0: none */
	char text[ERROR_TEXT_MAX]; /* the response body or the error, truncated, for the log */
};

struct registration {
	enum registration_state state;
	int64_t interval_ms;
	struct backoff backoff;
	int attempt; /* the number of the last POST in this round, from 1; a round ends with an accept or reject */
	int misses;  /* consecutive checks without a reply */
	int64_t ask_at_ms;     /* next check of our API */
	int64_t post_at_ms;    /* next post, unless waiting for our API */
	int64_t not_before_ms; /* no POST before: Retry-After */
};

/* Start with waiting for our API, with the first check now. interval_ms: of the slow re-check, > 0. */
void registration_init(struct registration *r, int64_t interval_ms, int64_t now_ms);

/* The action that is due. REGISTRATION_WAIT: for *ret_wait_ms, > 0. */
enum registration_todo registration_todo(const struct registration *r, int64_t now_ms, int64_t *ret_wait_ms);

/* The result of a check of our API. */
void registration_asked(struct registration *r, bool answered, int64_t now_ms);

/* A POST is started: its number is in r->attempt. */
void registration_begin(struct registration *r);

/* The POST has ended. The delay of the next one is r->post_at_ms - now_ms. */
void registration_posted(struct registration *r, const struct registration_answer *answer, int64_t now_ms);

/*
 * Classify a response: REGISTRATION_ACCEPT for 2xx; REGISTRATION_RETRY for 408, 429, 5xx, and without a complete
 * response; REGISTRATION_REFUSE for every other status, and for an unusable URL or CA file.
 */
enum registration_event registration_meaning(const struct registration_answer *answer);

/* The delay after REGISTRATION_RETRY: Retry-After, else the next backoff. */
int64_t registration_retry_ms(struct backoff *backoff, const struct registration_answer *answer);

/* "waiting for our API" and so on; never NULL for a valid value. */
const char *registration_state_name(enum registration_state state);

/* The next state; -1: invalid event for that state. */
int registration_next_state(enum registration_state state, enum registration_event event);

#endif
