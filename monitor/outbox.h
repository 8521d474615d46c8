/*
 * The pending events: one entry per instance, the latest state wins. Pure: no clock, no I/O, no lock; times are
 * milliseconds of the monotonic clock unless noted otherwise.
 *
 * An entry rests until it is due; then its owner writes the pending record, or derives the state (reconcile), calls
 * outbox_judge() for the action, and performs it. Changes in the meantime make the entry due again afterwards, so at
 * most one message of an instance is in flight, and the order is kept.
 *
 * The record of a state is written after its event, except for the first event of a container (outbox_records_first()).
 * Events and records fail, and are retried, independently of each other.
 */
#ifndef MONITOR_OUTBOX_H
#define MONITOR_OUTBOX_H

#include "common/base/error.h"
#include "common/base/hash_table.h"
#include "monitor/reconcile.h"

#define OUTBOX_WINDOW 512 /* events in flight, of different instances */
#define OUTBOX_ACK_MS 3000
#define OUTBOX_NEVER INT64_MAX

/*
 * After this many failures to write its record, the first event of a container is published without it: within 8 to
 * 12 s if the bucket refuses it. A bucket that does not reply stops all events earlier, because the lease is in it.
 */
#define OUTBOX_FIRST_RECORD_TRIES 5

enum outbox_state {
	OUTBOX_RESTING,
	OUTBOX_ASKING,    /* verifying the state with the API server */
	OUTBOX_SENDING,   /* the event was sent */
	OUTBOX_RECORDING, /* the record was sent */
	OUTBOX_STATE_COUNT
};

enum outbox_happening {
	OUTBOX_ASK,
	OUTBOX_ANSWER,
	OUTBOX_SEND,
	OUTBOX_ARRIVE, /* acknowledged, or sent to a server without acknowledgements */
	OUTBOX_RECORD,
	OUTBOX_DONE, /* the record is written */
	OUTBOX_FAIL,
	OUTBOX_HAPPENING_COUNT
};

/* The next state; OUTBOX_STATE_COUNT: invalid in that state (a bug, or a late reply). */
enum outbox_state outbox_step(enum outbox_state state, enum outbox_happening happening);

const char *outbox_state_name(enum outbox_state state);

/* The last reported status, or the status to report. */
enum outbox_report { OUTBOX_NOTHING = -1 }; /* else an enum container_status */

struct outbox_event {
	bool open;       /* sent, not acknowledged: a retry of the same state keeps id and time */
	uint64_t digest; /* of status and message */
	int status;      /* enum container_status */
	int64_t time_ms; /* wall clock */
	unsigned char id[16];
};

struct outbox_entry {
	struct hash_link by_id;
	uint32_t heap_at; /* 1...; 0: not in the heap */
	enum outbox_state state;
	bool seen;                     /* a root with this id was seen */
	bool dirty;                    /* changed since the entry was processed */
	bool forced;                   /* publish even if already reported */
	bool repeated;                 /* the next event is a retry */
	unsigned char failures;        /* consecutive ones of the event */
	unsigned char record_failures; /* the same of the record */
	int reported;                  /* OUTBOX_NOTHING or an enum container_status */
	int recorded;    /* the same, as recorded or being recorded in the bucket; NOTHING: unknown; DELETED: removed */
	int confirmed;   /* the same, as confirmed by the API server */
	uint64_t digest; /* of the reported state */
	int64_t due_ms;
	int64_t first_change_ms; /* when it became dirty */
	int64_t last_change_ms;
	int64_t waiting_ms; /* since when an unreported or unrecorded state is pending; 0: none */
	int64_t forced_ms;
	int64_t not_before_ms; /* the event, or the record before it, after a failure */
	int64_t record_ms;     /* when to record the reported state; OUTBOX_NEVER: no */
	int64_t recheck_ms;    /* OUTBOX_NEVER: no */
	int64_t deadline_ms;   /* of the message in flight */
	uint64_t ticket;       /* of the message in flight; 0: none */
	struct outbox_event event;
	enum kube_kind kind; /* of the root, like the next */
	char *name;          /* NULL: the id */
	char id[];
};

struct outbox;

/* debounce_ms: SP_MONITOR_DEBOUNCE_MS. ret_outbox: owned by the caller (outbox_destroy). Errors: RC_NO_MEMORY. */
enum rc outbox_create(int64_t debounce_ms, struct outbox **ret_outbox, struct error *err) must_check;
void outbox_destroy(struct outbox *outbox);

/* Drop all entries. */
void outbox_clear(struct outbox *outbox);

struct outbox_entry *outbox_find(struct outbox *outbox, const char *id);
size_t outbox_count(const struct outbox *outbox);

/*
 * An object of the instance has changed. Only a change of a root creates an entry: other objects are processed when the
 * root appears.
 * Errors: RC_NO_MEMORY.
 */
enum rc outbox_change(struct outbox *outbox, const char *id, bool is_root, int64_t now_ms, struct error *err)
	must_check;

/*
 * Add the state reported by another process; ignored if this process has already reported one. Errors: RC_NO_MEMORY.
 */
enum rc outbox_remember(struct outbox *outbox, const char *id, enum kube_kind kind, const char *name,
			enum container_status status, int64_t now_ms, struct error *err) must_check;

/*
 * Publish the state of every entry again, each at a random time between now_ms and now_ms + spread_ms.
 *
 * anew  the connection was lost: messages in flight count as failed, retry delays end, and the recorded state is
 *       unknown.
 */
void outbox_force_all(struct outbox *outbox, int64_t now_ms, int64_t spread_ms, bool anew);

/* Stop debouncing and pausing, for shutdown. */
void outbox_hurry(struct outbox *outbox);

/* When the first entry is due; OUTBOX_NEVER: none, or the window is full. */
int64_t outbox_due_ms(const struct outbox *outbox);

/* A due entry, or NULL. It stays due until one of the functions below changes its state. */
struct outbox_entry *outbox_take(struct outbox *outbox, int64_t now_ms);

/* The action for a due entry without a due record. */
enum outbox_action {
	OUTBOX_REST,   /* nothing to publish */
	OUTBOX_TELL,   /* publish `reconciled` */
	OUTBOX_CHECK,  /* verify `reconciled`: it seems to be deleted, or to have lost its Pods */
	OUTBOX_FORGET, /* deleted, and reported as such or never reported */
};

/*
 * Decide. Completes `reconciled`: DELETED for a deleted instance, the previous status for an unchanged one. Updates the
 * entry with the observations, but not its state.
 */
enum outbox_action outbox_judge(struct outbox_entry *entry, struct reconciled *reconciled);

/*
 * Whether to write the record of `status` before its event (OUTBOX_TELL), if there is a bucket: for a container that is
 * neither reported nor recorded, up to OUTBOX_FIRST_RECORD_TRIES times. If this process ended between the event and the
 * record, no other one could report the deletion.
 */
bool outbox_records_first(const struct outbox_entry *entry, enum container_status status);

/* Nothing to publish. recheck_ms: when to process it again, or OUTBOX_NEVER. */
void outbox_rest(struct outbox *outbox, struct outbox_entry *entry, int64_t recheck_ms);

/*
 * The API server is queried; has responded.
 *
 * confirmed  the requested status, or OUTBOX_NOTHING: refuted or unknown.
 * retry_ms   when the entry is processed again.
 */
void outbox_ask(struct outbox *outbox, struct outbox_entry *entry);
void outbox_answer(struct outbox *outbox, struct outbox_entry *entry, int confirmed, int64_t retry_ms);

/*
 * The event is about to be sent. entry->event has its id and time: those of the last attempt for the same state, else
 * `fresh` (with digest, status, time and id). Returns the ticket for its acknowledgement.
 */
uint64_t outbox_send(struct outbox *outbox, struct outbox_entry *entry, const struct outbox_event *fresh,
		     int64_t recheck_ms, int64_t now_ms);

/* The entry with this ticket; NULL: none. */
struct outbox_entry *outbox_awaiting(struct outbox *outbox, uint64_t ticket);

/* The event was delivered. Its record, unless written, is due immediately. */
void outbox_arrive(struct outbox *outbox, struct outbox_entry *entry);

/*
 * The record of the status is about to be sent: of the reported one when entry->record_ms is due, or
 * outbox_records_first(). Returns the ticket for its acknowledgement.
 */
uint64_t outbox_record(struct outbox *outbox, struct outbox_entry *entry, enum container_status status, int64_t now_ms);

/* The record was written. Before the event, the entry is still due. */
void outbox_recorded(struct outbox *outbox, struct outbox_entry *entry);

/* There is no bucket for the due record. */
void outbox_skip_record(struct outbox *outbox, struct outbox_entry *entry);

/* Delivery of the event or of the record failed, or is unknown: retry it with backoff. */
void outbox_fail(struct outbox *outbox, struct outbox_entry *entry, int64_t now_ms);

/* An entry with an overdue acknowledgement, or NULL; for outbox_fail(). */
struct outbox_entry *outbox_overdue(struct outbox *outbox, int64_t now_ms);

/* Remove and free the entry. */
void outbox_forget(struct outbox *outbox, struct outbox_entry *entry);

/* Call `visit` for each entry; it may remove that entry. */
void outbox_visit(struct outbox *outbox, void (*visit)(void *ctx, struct outbox_entry *entry), void *ctx);

struct outbox_pending {
	size_t count;      /* entries with a pending or sent event or record */
	int64_t oldest_ms; /* since when the first of them is pending; OUTBOX_NEVER: none */
};
struct outbox_pending outbox_pending(struct outbox *outbox);

/* The root's name. */
const char *outbox_entry_name(const struct outbox_entry *entry);

#endif
