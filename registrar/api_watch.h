/*
 * Checks whether our API responds. Over NATS, not through SP_ENDPOINT, which may not be reachable from here: an api-svc
 * of our provider must reply to the service protocol's ping (ADR-32), and a kube-worker must report that Kubernetes
 * responds.
 */
#ifndef REGISTRAR_API_WATCH_H
#define REGISTRAR_API_WATCH_H

#include "common/bus/bus.h"

#define API_WATCH_TIMEOUT_MS 1000 /* of one check; both requests are sent concurrently */

enum api_watch_answer {
	API_WATCH_ANSWERS,   /* and is healthy */
	API_WATCH_NO_NATS,   /* not connected */
	API_WATCH_SILENT,    /* no api-svc of our provider replied */
	API_WATCH_NO_WORKER, /* no kube-worker of our provider replied */
	API_WATCH_UNHEALTHY, /* a worker reports that Kubernetes does not respond */
	API_WATCH_STOPPED,   /* api_watch_stop() */
};

struct api_watch;

/*
 * Subscribe to the replies.
 *
 * name       SP_NAME, copied; to ignore other providers on the same NATS.
 * ret_watch  owned by the caller (api_watch_destroy). Errors: those of bus_subscribe(), RC_NO_MEMORY.
 */
enum rc api_watch_create(struct bus *bus, const char *name, struct api_watch **ret_watch, struct error *err) must_check;

/* Check once. Blocks: up to API_WATCH_TIMEOUT_MS.  Threads: one at a time. */
enum api_watch_answer api_watch_ask(struct api_watch *watch);

/* Abort a blocked api_watch_ask(), and all later ones. Thread-safe. */
void api_watch_stop(struct api_watch *watch);

/* Free; call after bus_destroy(). NULL is allowed. */
void api_watch_destroy(struct api_watch *watch);

/* The text for logs; never NULL. */
const char *api_watch_answer_text(enum api_watch_answer answer);

/* Whether the JSON (borrowed) is the ping reply of an api-svc of this provider, by its metadata. */
bool api_watch_is_ours(const char *json, size_t len, const char *name);

#endif
