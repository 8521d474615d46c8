/*
 * The log of one container of one replica: read from Kubernetes (kube_flow.h) and output line by line. A followed log
 * is requested again after each end: the rest of that run, then the next one. The owner passes the Pod's state from the
 * cache, which may be old: a response is only output after run_check.h has confirmed its run. container_log_look()
 * performs due actions. All on the thread of the streams; never blocks.
 */
#ifndef KUBE_WORKER_STREAMS_CONTAINER_LOG_H
#define KUBE_WORKER_STREAMS_CONTAINER_LOG_H

#include "common/base/backoff.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/operation/op_call.h"
#include "kube-worker/streams/log_options.h"
#include "kube-worker/streams/run_check.h"
#include "kube-worker/streams/worker_stream.h"

#define CONTAINER_LOG_POD_MAX 254 /* bytes of a Pod's name with its NUL */

struct container_log;

/* The common data of the logs of a stream; borrowed by each. */
struct container_log_owner {
	const char *namespace;
	const struct log_options *options;
	struct log_output *output; /* output buffer, flushed by the owner */
	struct worker_stream *stream;
	void (*begun)(void *ctx); /* the first data has arrived */
	void (*line)(void *ctx, struct container_log *log, const struct log_line *line);
	void (*failed)(void *ctx, const struct error *why); /* the stream must end */
	void *ctx;
};

enum log_phase {
	LOG_IDLE,
	LOG_ASKED_PREVIOUS, /* the previous run, for its remaining lines */
	LOG_ASKED,
	LOG_OVER, /* finished */
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
	struct kube_call *call; /* NULL: no pending call */
	struct log_reader reader;
	struct backoff backoff;
	int64_t due_ms;         /* no request before this time */
	int64_t failing_ms;     /* since when it fails; 0: no failure */
	int64_t gone_ms;        /* since when the Pod is missing and its call is silent; 0: present */
	int64_t begin_by_ms;    /* until when the response to its call must have begun; INT64_MAX: no limit */
	int64_t created_ns;     /* time of the Pod's creation */
	int64_t asked_ns;       /* local time of the first request */
	int64_t entered_ms;     /* since when a confirmed response is output */
	int64_t silent_ns;      /* no line before belongs to the stream, by its place in the options; 0: none */
	int64_t run_asked;      /* by the pending or last call */
	int64_t run_known;      /* the last run that was output, at least in part; -1: none */
	int64_t previous_done;  /* the run that was read as the previous one, or was refused; -1: none */
	struct run_check check; /* of the pending call */
	bool cut;               /* the first request has the options tail_lines and since_seconds */
	bool whole;             /* all its runs belong to the stream, which is older */
	bool entered;           /* its run is confirmed: it is output */
	bool seeks;             /* the run of the reader's last line is unknown: it is from a Last-Event-ID */
	bool ended;             /* run_known was read to its end */
	bool paused;
	bool answered; /* there was a successful response */
	/* Last state from the cache, or from the check: */
	struct pod_run run;
	bool is_there; /* set by container_log_see(), evaluated by container_log_note() */
	char message[FACT_MESSAGE_MAX + 1];
	char reason[FACT_MESSAGE_MAX + 1]; /* the reason for a missing log; "": none */
};

/*
 * Create the log of a container of a Pod, starting at the options' marks. NULL: out of memory.
 * is_first: the Pod was there when the stream began; tail_lines and since_seconds are for these.
 */
struct container_log *container_log_create(const struct container_log_owner *owner, const struct fact *pod,
					   const char *container, bool is_first);

/* Cancel its call, and free it. */
void container_log_destroy(struct container_log *log);

/* Cancel its call: it is finished. */
void container_log_stop(struct container_log *log);

/* Update from the cache: the current run, and the problem of the Pod ("": none). */
void container_log_see(struct container_log *log, const struct pod_run *run, const char *message);

/* The update is complete: evaluate is_there. */
void container_log_note(struct container_log *log);

/* Start due requests, or end it. */
void container_log_look(struct container_log *log);

/*
 * Its position for an id: of the last line; of a log that had none, as it was cut, the time since which all its lines
 * belong to the stream, so that it stays cut. ns 0: none.
 */
struct log_place container_log_place(const struct container_log *log);

/* Whether the Pod no longer exists, and nothing is left to output. */
bool container_log_is_done(const struct container_log *log);

/* Resume after it was blocked by other logs, or by the client. */
void container_log_resume(struct container_log *log);

/* When container_log_look() must be called; clock_mono_ms(), INT64_MAX: on changes only. */
int64_t container_log_due_ms(const struct container_log *log);

#endif
