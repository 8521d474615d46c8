/*
 * Whether our API responds. Asked over NATS, never through SP_ENDPOINT, which may be an address for others only: an
 * api-svc of our provider must answer the service protocol's ping (ADR-32), and a kube-worker must say that Kubernetes
 * answers.
 */
#ifndef REGISTRAR_API_WATCH_H
#define REGISTRAR_API_WATCH_H

#include "common/bus/bus.h"

#define API_WATCH_TIMEOUT_MS 1000 /* of one check; both requests are sent at once */

enum api_answer {
	API_ANSWERS,   /* and is healthy */
	API_NO_NATS,   /* we have no connection */
	API_SILENT,    /* no api-svc of our provider answered */
	API_NO_WORKER, /* no kube-worker of our provider answered */
	API_UNHEALTHY, /* a worker says that Kubernetes does not answer */
	API_STOPPED,   /* api_watch_stop() */
};

struct api_watch;

/*
 * Begin to listen for answers.
 *
 * name       SP_NAME, copied: other providers on the same NATS are not taken for ours.
 * ret_watch  owned by the caller (api_watch_destroy). Errors: those of bus_subscribe(), RC_NO_MEMORY.
 */
enum rc api_watch_create(struct bus *bus, const char *name, struct api_watch **ret_watch, struct error *err) must_check;

/* Ask once. Blocks: up to API_WATCH_TIMEOUT_MS.  Threads: one at a time. */
enum api_answer api_watch_ask(struct api_watch *watch);

/* End an api_watch_ask() that waits, and all later ones. Any thread. */
void api_watch_stop(struct api_watch *watch);

/* Free; call after bus_destroy(). NULL is allowed. */
void api_watch_destroy(struct api_watch *watch);

/* For logs, "an api-svc and a worker answer" and so on; never NULL. */
const char *api_answer_text(enum api_answer answer);

/* Whether the JSON (borrowed) is the ping reply of an api-svc of this provider, by its metadata. */
bool api_watch_is_ours(const char *json, size_t len, const char *name);

#endif
