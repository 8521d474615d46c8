/*
 * The state machine of an informer: a table. The I/O is in informer.c.
 */
#ifndef COMMON_KUBE_INFORMER_MACHINE_H
#define COMMON_KUBE_INFORMER_MACHINE_H

enum informer_state {
	INFORMER_LISTING,       /* listing from the first page */
	INFORMER_WATCHING,      /* watching from the last resourceVersion */
	INFORMER_WAITING_LIST,  /* a pause, then LISTING */
	INFORMER_WAITING_WATCH, /* a pause, then WATCHING */
	INFORMER_STATE_COUNT
};

enum informer_event {
	INFORMER_LIST_DONE,     /* the last page was received */
	INFORMER_LIST_POLLED,   /* the same, when polling */
	INFORMER_LIST_FAILED,   /* any error, including an expired continue token */
	INFORMER_WATCH_ENDED,   /* the server closed the watch after its timeout: the normal end */
	INFORMER_WATCH_SHORT,   /* it closed immediately without an event: treated as an error */
	INFORMER_WATCH_FAILED,  /* not reachable, 429, 5xx, connection lost: the resourceVersion is still valid */
	INFORMER_WATCH_EXPIRED, /* 410, as status or inside the stream: the resourceVersion has expired */
	INFORMER_WATCH_BROKEN,  /* invalid data, an ERROR, or too many failures: restart with a list */
	INFORMER_WATCH_REFUSED, /* watching is forbidden or not supported: poll until it is allowed */
	INFORMER_PAUSE_OVER,
	INFORMER_EVENT_COUNT
};

enum informer_pause {
	INFORMER_NO_PAUSE,
	INFORMER_PAUSE_BACKOFF, /* increases with consecutive failures */
	INFORMER_PAUSE_JITTER,  /* short and random: all clients of a restarted server reconnect at the same time */
	INFORMER_PAUSE_POLL     /* between two lists, when polling */
};

struct informer_step {
	enum informer_state next;
	enum informer_pause pause;
	int impossible; /* 1: invalid event for this state (a bug) */
};

/* The transition for an event in a state. Source: client-go tools/cache/reflector.go. */
struct informer_step informer_step(enum informer_state state, enum informer_event event);

const char *informer_state_name(enum informer_state state);
const char *informer_event_name(enum informer_event event);

#endif
