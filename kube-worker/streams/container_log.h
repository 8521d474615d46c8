/*
 * The log of one container of one replica: read from Kubernetes (kube_flow.h) and told line by line. One that is
 * followed is asked for again after each end: by its next run, or where it broke off. What the cache knows of the Pod
 * is the owner's to say; container_log_look() does what is due. All on the thread of the streams; nothing here blocks.
 */
#ifndef KUBE_WORKER_STREAMS_CONTAINER_LOG_H
#define KUBE_WORKER_STREAMS_CONTAINER_LOG_H

#include "common/base/backoff.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/operation/op_call.h"
#include "kube-worker/streams/log_options.h"
#include "kube-worker/streams/worker_stream.h"

#define CONTAINER_LOG_POD_MAX 254 /* bytes of a Pod's name with its NUL */

struct container_log;

/* What the logs of one stream have in common; borrowed by each. */
struct container_log_owner {
	const char *namespace;
	const struct log_options *options;
	struct log_output *output; /* for whom lines are held up; its bytes are the owner's to add */
	struct worker_stream *stream;
	void (*begun)(void *ctx); /* Kubernetes has something to tell */
	void (*line)(void *ctx, struct container_log *log, const struct log_line *line);
	void (*failed)(void *ctx, const struct error *why); /* the stream cannot go on */
	void *ctx;
};

enum log_phase {
	LOG_IDLE,
	LOG_ASKED_PREVIOUS, /* the run before, for what was not told of it */
	LOG_ASKED,
	LOG_OVER, /* nothing more comes of it */
};

/* The log of one container of one replica. */
struct container_log {
	const struct container_log_owner *owner;
	struct container_log *next; /* the owner's */
	struct kube_uid pod_uid;
	char pod[CONTAINER_LOG_POD_MAX];
	char container[64];
	uint32_t key;
	enum log_phase phase;
	struct kube_call *call; /* NULL: none is under way */
	struct log_reader reader;
	struct backoff backoff;
	int64_t due_ms;        /* not asked for before */
	int64_t failing_ms;    /* since when; 0: it does not fail */
	int64_t gone_ms;       /* since when the Pod is not there, and its call says nothing; 0: it is there */
	int64_t asked_ns;      /* by our clock: when it was asked for first */
	int64_t run_known;     /* that was told, or is being told; -1: none */
	int64_t previous_of;   /* the run for which the one before was asked for, or is; -1: none */
	bool previous_done;    /* that is over */
	bool previous_follows; /* that one comes right after run_known, which was told to its end */
	bool ended;            /* the last call, completely */
	bool paused;
	bool answered; /* it was, well, at some time */
	/* As the cache had it last: */
	struct pod_run run;
	bool is_there; /* the owner's: container_log_see() says so, container_log_note() counts on it */
	char message[FACT_MESSAGE_MAX + 1];
	char reason[FACT_MESSAGE_MAX + 1]; /* why there is nothing to tell; "": there is */
};

/* Make the log of a container of a Pod; it goes on where the options' marks say. NULL: out of memory. */
struct container_log *container_log_create(const struct container_log_owner *owner, const struct fact *pod,
					   const char *container);

/* Cancel its call, and free it. */
void container_log_destroy(struct container_log *log);

/* The cache shows its Pod: with this run, and what is wrong with it ("": nothing). */
void container_log_see(struct container_log *log, const struct pod_run *run, const char *message);

/* All was seen that is there: is_there counts. */
void container_log_note(struct container_log *log);

/* Ask for what is due, or end it. */
void container_log_look(struct container_log *log);

/* Go on, when it was held up by what others tell, or by the client. */
void container_log_resume(struct container_log *log);

/* When container_log_look() has something to do; clock_mono_ms(), INT64_MAX: when something changes. */
int64_t container_log_due_ms(const struct container_log *log);

#endif
