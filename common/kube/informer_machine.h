/*
 * When an informer lists, watches and waits: a table, and nothing else. The I/O is in informer.c.
 */
#ifndef COMMON_KUBE_INFORMER_MACHINE_H
#define COMMON_KUBE_INFORMER_MACHINE_H

enum informer_state {
	INFORMER_LISTING,       /* a list from its first page */
	INFORMER_WATCHING,      /* a watch from the last resourceVersion */
	INFORMER_WAITING_LIST,  /* a pause, then LISTING */
	INFORMER_WAITING_WATCH, /* a pause, then WATCHING */
	INFORMER_STATE_COUNT
};

enum informer_event {
	INFORMER_LIST_DONE,     /* the last page is in */
	INFORMER_LIST_POLLED,   /* the same, where lists take the place of watches */
	INFORMER_LIST_FAILED,   /* any fault, an expired continue token among them */
	INFORMER_WATCH_ENDED,   /* the server closed a watch that had lived: the usual end */
	INFORMER_WATCH_SHORT,   /* it closed at once and said nothing: to be treated as a fault */
	INFORMER_WATCH_FAILED,  /* not reachable, 429, 5xx, connection lost: the resourceVersion is still good */
	INFORMER_WATCH_EXPIRED, /* 410, as status or inside the stream: the resourceVersion is no longer good */
	INFORMER_WATCH_BROKEN,  /* the stream told nonsense, an ERROR, or a fault lasted too long: start anew */
	INFORMER_WATCH_REFUSED, /* watching is forbidden or not supported: lists take its place, until it is not */
	INFORMER_PAUSE_OVER,
	INFORMER_EVENT_COUNT
};

enum informer_pause {
	INFORMER_NO_PAUSE,
	INFORMER_PAUSE_BACKOFF, /* longer with each fault in a row */
	INFORMER_PAUSE_JITTER,  /* short and random: every client of a restarted server is here at once */
	INFORMER_PAUSE_POLL     /* between two lists that take the place of a watch */
};

struct informer_step {
	enum informer_state next;
	enum informer_pause pause;
	int impossible; /* 1: this event cannot happen in this state; a bug of ours */
};

/* What follows from an event in a state. Source: client-go tools/cache/reflector.go. */
struct informer_step informer_step(enum informer_state state, enum informer_event event);

const char *informer_state_name(enum informer_state state);
const char *informer_event_name(enum informer_event event);

#endif
