/*
 * The options of a log request, and the resulting Kubernetes calls. Pure.
 */
#ifndef KUBE_WORKER_STREAMS_LOG_OPTIONS_H
#define KUBE_WORKER_STREAMS_LOG_OPTIONS_H

#include "common/services/json.h"
#include "kube-worker/operation/request_check.h"
#include "kube-worker/streams/log_output.h"

#define LOG_ALL_CONTAINERS "*"

/* The texts are owned by the request. */
struct log_options {
	const char *id;
	const char *container; /* NULL: the container of the spec; or LOG_ALL_CONTAINERS */
	const char *replica;   /* NULL: all */
	bool events;
	bool follow;
	bool timestamps;
	bool previous;
	int64_t tail_lines;                    /* -1: all */
	int64_t since_seconds;                 /* 0: absent */
	int64_t since_ns;                      /* 0: absent */
	int64_t limit_bytes;                   /* INT64_MAX: none */
	struct log_mark marks[LOG_PLACES_MAX]; /* of Last-Event-ID */
	int mark_count;
	int64_t start_ns; /* the time of the first request, also if this one resumes it; 0: unknown */
};

#define LOG_MEMBER_COUNT 12
extern const struct request_member log_members[LOG_MEMBER_COUNT];

/* Read a validated request. now_ns: wall clock. Errors: RC_INVALID_ARGUMENT an invalid last_event_id. */
enum rc log_options_read(const cJSON *request, int64_t now_ns, struct log_options *ret_options, struct error *err)
	must_check;

/* The position of a log, by its key, in last_event_id. ns 0: none. */
struct log_place log_options_place(const struct log_options *options, uint32_t key);

/* One call. */
struct log_call {
	const char *namespace;
	const char *pod;
	const char *container;
	bool previous;
	bool cut;         /* by the options tail_lines and since_seconds */
	int64_t since_ns; /* 0: from the start */
};

/* Append its path. */
void log_options_path(const struct log_options *options, const struct log_call *call, struct buf *path);

#endif
