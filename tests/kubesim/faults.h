/*
 * Faults injected by tests: which requests, watches or events they affect, how often, and how. This module only
 * decides; the code that responds, streams and commits applies the fault.
 */
#ifndef KUBESIM_FAULTS_H
#define KUBESIM_FAULTS_H

#include "tests/kubesim/api.h"
#include "tests/kubesim/status.h"

struct sim_faults;

/* When a fault applies. */
enum sim_stage {
	STAGE_BEFORE, /* before anything is read or stored */
	STAGE_AFTER,  /* after everything was stored, before the response */
	STAGE_BODY,   /* while the response is sent */
	STAGE_CREATE, /* before an object is created by a client or a controller */
	STAGE_STREAM, /* a watch, repeatedly */
	STAGE_EVENT,  /* before a watch sends a change */
};

enum sim_fault_action {
	ACTION_LATENCY,
	ACTION_STATUS,
	ACTION_DROP,
	ACTION_HANG,
	ACTION_FORBIDDEN,
	ACTION_SLOW_BODY,
	ACTION_QUOTA,
	ACTION_WATCH_ERROR,
	ACTION_WATCH_EOF,
	ACTION_WATCH_SILENT,
	ACTION_WATCH_CHUNK,
	ACTION_EVENT_DUPLICATE,
	ACTION_EVENT_PAD,
	ACTION_EVENT_CUT,
};

struct sim_fault {
	enum sim_fault_action action;
	int64_t ms;            /* latency, or pause between pieces */
	int64_t status;        /* HTTP status or code in a Status */
	int64_t bytes;         /* size of a piece */
	int64_t mib;           /* size of a padding */
	int64_t retry_after_s; /* 0: not given */
	char message[128];     /* of a Status */
	bool html;             /* the body is HTML, as proxies send it */
	bool broken;           /* the connection is reset instead of closed */
};

/* The event to match. target: NULL if the path is not that of a resource. */
struct sim_occasion {
	enum sim_stage stage;
	const char *method;
	const char *path;
	const struct sim_target *target;
};

struct sim_faults *sim_faults_create(void);
void sim_faults_destroy(struct sim_faults *f);

/* Add a fault from JSON. RC_INVALID_ARGUMENT with a message. */
enum rc sim_faults_add(struct sim_faults *f, const cJSON *json, struct error *err) must_check;

/* Remove all faults. Silent watches are disconnected. */
void sim_faults_clear(struct sim_faults *f);

/* The number of removals so far. */
int sim_faults_times_cleared(const struct sim_faults *f);

/* The number of remaining faults. */
int sim_faults_count(const struct sim_faults *f);

/*
 * Return the next fault that applies; start with *cursor 0. False: no more. No cost without faults.
 */
bool sim_faults_take(struct sim_faults *f, const struct sim_occasion *occasion, size_t *cursor, struct sim_fault *ret);

/* The Status of a fault with a status: the usual reason of that code. */
struct sim_status sim_fault_status(const struct sim_fault *fault);

#define SIM_REFUSAL_MAX 800 /* bytes */

/* Whether a quota rejects the object, with the message of the API server. */
bool sim_faults_refuse(struct sim *sim, const struct sim_kind *kind, const char *name, char message[SIM_REFUSAL_MAX]);

#endif
