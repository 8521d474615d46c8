/*
 * Faults that a test has ordered: which requests, watches or events they meet, how often, and what happens to them.
 * This part only decides; those who answer, stream and commit do what it says.
 */
#ifndef KUBESIM_FAULTS_H
#define KUBESIM_FAULTS_H

#include "tests/kubesim/api.h"
#include "tests/kubesim/status.h"

struct sim_faults;

/* When a fault strikes. */
enum sim_stage {
	STAGE_BEFORE, /* before anything is read or stored */
	STAGE_AFTER,  /* when everything is stored, before the answer */
	STAGE_BODY,   /* while the response is sent */
	STAGE_CREATE, /* when an object is to be created, by a client or by a controller */
	STAGE_STREAM, /* a watch, again and again while it lives */
	STAGE_EVENT,  /* one change that a watch is about to send */
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
	int64_t retry_after_s; /* 0: not said */
	char message[128];     /* of a Status */
	bool html;             /* the body is HTML, as proxies send it */
	bool broken;           /* the connection breaks, instead of ending cleanly */
};

/* What is about to happen. target: NULL when the path is no resource's. */
struct sim_occasion {
	enum sim_stage stage;
	const char *method;
	const char *path;
	const struct sim_target *target;
};

struct sim_faults *sim_faults_create(void);
void sim_faults_destroy(struct sim_faults *f);

/* Add a fault as a test wrote it. RC_INVALID_ARGUMENT with a sentence. */
enum rc sim_faults_add(struct sim_faults *f, const cJSON *json, struct error *err) must_check;

/* Take all back. A watch that is silent breaks. */
void sim_faults_clear(struct sim_faults *f);

/* How often they were taken back. */
int sim_faults_times_cleared(const struct sim_faults *f);

/* How many are left that will strike. */
int sim_faults_count(const struct sim_faults *f);

/*
 * Take the next fault that strikes here. *cursor is 0 at first, and counts on.
 * False: no more. Costs nothing while there are no faults.
 */
bool sim_faults_take(struct sim_faults *f, const struct sim_occasion *occasion, size_t *cursor, struct sim_fault *ret);

/* The Status of a fault with a status: the usual reason of that code. */
struct sim_status sim_fault_status(const struct sim_fault *fault);

#define SIM_REFUSAL_MAX 800 /* bytes */

/* Whether a quota rejects the object. The sentence is the API server's. */
bool sim_faults_refuse(struct sim *sim, const struct sim_kind *kind, const char *name, char message[SIM_REFUSAL_MAX]);

#endif
