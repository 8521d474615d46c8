/*
 * What is still to be told of each container, and when: one entry an instance, the latest state wins. Pure: no clock,
 * no I/O, no lock; times are milliseconds of the monotonic clock unless they say otherwise.
 *
 * An entry rests, until it is due; then its owner looks at the cluster (reconcile), asks outbox_judge() what follows,
 * and does that. What has changed meanwhile makes the entry due again afterwards, so at most one event of an instance
 * is on its way at any time, and none overtakes another.
 */
#ifndef MONITOR_OUTBOX_H
#define MONITOR_OUTBOX_H

#include "common/base/error.h"
#include "common/base/hash_table.h"
#include "monitor/reconcile.h"

#define OUTBOX_WINDOW 512 /* events on their way at once, of different instances */
#define OUTBOX_ACK_MS 3000
#define OUTBOX_NEVER INT64_MAX

enum outbox_state {
	OUTBOX_RESTING,
	OUTBOX_ASKING,    /* is it true what the watch says? */
	OUTBOX_SENDING,   /* the event is on its way */
	OUTBOX_ARRIVED,   /* it was acknowledged; what was reported is to be recorded */
	OUTBOX_RECORDING, /* the record is on its way */
	OUTBOX_STATE_COUNT
};

enum outbox_happening {
	OUTBOX_ASK,
	OUTBOX_ANSWER,
	OUTBOX_SEND,
	OUTBOX_ARRIVE, /* acknowledged, or sent to a server without acknowledgements */
	OUTBOX_RECORD,
	OUTBOX_DONE, /* the record is written, or needs no writing */
	OUTBOX_FAIL,
	OUTBOX_HAPPENING_COUNT
};

/* The state that follows; OUTBOX_STATE_COUNT when this cannot happen in that state (a bug of ours, or a late reply). */
enum outbox_state outbox_step(enum outbox_state state, enum outbox_happening happening);

const char *outbox_state_name(enum outbox_state state);

/* What DCM has been told of a container, or has yet to be. */
enum outbox_report { OUTBOX_NOTHING = -1 }; /* else an enum container_status */

struct outbox_event {
	bool open;       /* sent, and not acknowledged: a repetition of the same state keeps id and time */
	uint64_t digest; /* of status and message */
	int status;      /* enum container_status */
	int64_t time_ms; /* wall clock */
	unsigned char id[16];
};

struct outbox_entry {
	struct hash_link by_id;
	uint32_t heap_at; /* 1...; 0: not in the heap */
	enum outbox_state state;
	bool seen;              /* a root of this id has been seen */
	bool dirty;             /* something has changed since the entry was looked at */
	bool forced;            /* to be told although it may have been told already */
	bool repeated;          /* the next event is another try */
	unsigned char failures; /* in a row */
	int reported;           /* OUTBOX_NOTHING or an enum container_status */
	int recorded;           /* the same, as it lies in the bucket as far as we know */
	int confirmed;          /* the same, as the API server has said that it is */
	uint64_t digest;        /* of what was reported */
	int64_t due_ms;
	int64_t first_change_ms; /* since dirty */
	int64_t last_change_ms;
	int64_t waiting_ms; /* since when something waits that has not been told and recorded; 0: nothing does */
	int64_t forced_ms;
	int64_t not_before_ms; /* after a failure */
	int64_t recheck_ms;    /* OUTBOX_NEVER: no */
	int64_t deadline_ms;   /* of what is on its way */
	uint64_t ticket;       /* of what is on its way; 0: nothing */
	struct outbox_event event;
	enum kube_kind kind; /* of the root, like the next */
	char *name;          /* NULL: the id */
	char id[];
};

struct outbox;

/* debounce_ms: SP_MONITOR_DEBOUNCE_MS. ret_outbox: owned by the caller (outbox_destroy). Errors: RC_NO_MEMORY. */
enum rc outbox_create(int64_t debounce_ms, struct outbox **ret_outbox, struct error *err) must_check;
void outbox_destroy(struct outbox *outbox);

/* Forget all entries. */
void outbox_clear(struct outbox *outbox);

struct outbox_entry *outbox_find(struct outbox *outbox, const char *id);
size_t outbox_count(const struct outbox *outbox);

/*
 * An object of the instance has changed. Without an entry, only a change of a root makes one: whatever else is there
 * will be looked at when the root comes.
 * Errors: RC_NO_MEMORY.
 */
enum rc outbox_change(struct outbox *outbox, const char *id, bool is_root, int64_t now_ms, struct error *err)
	must_check;

/*
 * What DCM was told before, by another process; nothing new once this life has reported itself. Errors: RC_NO_MEMORY.
 */
enum rc outbox_remember(struct outbox *outbox, const char *id, enum kube_kind kind, const char *name,
			enum container_status status, int64_t now_ms, struct error *err) must_check;

/*
 * Tell the state of every entry again, each at a random moment from now_ms until now_ms + spread_ms.
 *
 * anew  the connection was lost: what is on its way counts as failed, pauses after failures are over, and nothing is
 *       known of what is recorded.
 */
void outbox_force_all(struct outbox *outbox, int64_t now_ms, int64_t spread_ms, bool anew);

/* No debouncing and no pauses any more: shutting down. */
void outbox_hurry(struct outbox *outbox);

/* When the first entry is due: OUTBOX_NEVER when none is. Beyond the window, only entries that do not send count. */
int64_t outbox_due_ms(const struct outbox *outbox);

/* An entry that is due, or NULL. It stays due until one of the functions below has moved it on. */
struct outbox_entry *outbox_take(struct outbox *outbox, int64_t now_ms);

/* What follows for an entry that is due and RESTING. */
enum outbox_action {
	OUTBOX_REST,   /* nothing to say */
	OUTBOX_TELL,   /* `reconciled` says what */
	OUTBOX_CHECK,  /* it seems to be gone, or to have lost its Pods: `reconciled` says what is to be confirmed */
	OUTBOX_FORGET, /* gone, and DCM knows it or never knew of the container */
};

/*
 * Decide. `reconciled` is completed to what is to be told: DELETED for an instance that is gone, the earlier status for
 * one without news. The entry is brought up to date with what was seen, but not moved on.
 */
enum outbox_action outbox_judge(struct outbox_entry *entry, struct reconciled *reconciled);

/* Nothing to say now. recheck_ms: look again then; OUTBOX_NEVER. */
void outbox_rest(struct outbox *outbox, struct outbox_entry *entry, int64_t recheck_ms);

/*
 * The API server is being asked; answered.
 *
 * confirmed  the status that was asked for, or OUTBOX_NOTHING: it is not, or is unknown.
 * retry_ms   when the entry is looked at again.
 */
void outbox_ask(struct outbox *outbox, struct outbox_entry *entry);
void outbox_answer(struct outbox *outbox, struct outbox_entry *entry, int confirmed, int64_t retry_ms);

/*
 * The event is about to be sent. entry->event holds its id and time: those of the last try when the same state was
 * tried, else `fresh` (digest, status, time and id filled in). Returns the ticket for its acknowledgement.
 */
uint64_t outbox_send(struct outbox *outbox, struct outbox_entry *entry, const struct outbox_event *fresh,
		     int64_t recheck_ms, int64_t now_ms);

/* The entry that waits under this ticket; NULL: none. */
struct outbox_entry *outbox_awaiting(struct outbox *outbox, uint64_t ticket);

/* The event has arrived. With `to_record` the entry is due at once, ARRIVED; else it rests. */
void outbox_arrive(struct outbox *outbox, struct outbox_entry *entry, bool to_record);

/* The record is about to be sent. Returns the ticket for its acknowledgement. */
uint64_t outbox_record(struct outbox *outbox, struct outbox_entry *entry, int64_t now_ms);

/* It is written. */
void outbox_recorded(struct outbox *outbox, struct outbox_entry *entry);

/* What was on its way did not arrive, or that is unknown: again, after a growing delay. */
void outbox_fail(struct outbox *outbox, struct outbox_entry *entry, int64_t now_ms);

/* An entry whose acknowledgement is overdue, or NULL; to be given to outbox_fail(). */
struct outbox_entry *outbox_overdue(struct outbox *outbox, int64_t now_ms);

/* Remove and free the entry. */
void outbox_forget(struct outbox *outbox, struct outbox_entry *entry);

/* Call `visit` for each entry; it may forget that entry. */
void outbox_visit(struct outbox *outbox, void (*visit)(void *ctx, struct outbox_entry *entry), void *ctx);

struct outbox_pending {
	size_t count;      /* entries of which something is to be told, or is being told */
	int64_t oldest_ms; /* since when the first of them waits; OUTBOX_NEVER: none */
};
struct outbox_pending outbox_pending(struct outbox *outbox);

/* The root's name. */
const char *outbox_entry_name(const struct outbox_entry *entry);

#endif
