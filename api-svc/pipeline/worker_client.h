/*
 * Requests to kube-workers over NATS, without a thread that waits: thousands may be pending at once.
 *
 * A request that was rejected before anything was started (no responders, NATS is down, every worker is full) is sent
 * again until worker_wait_ms is over. One that stays without an answer is made again until its deadline, because every
 * operation may be (common/protocol.h); the first reply to any attempt counts.
 */
#ifndef API_SVC_PIPELINE_WORKER_CLIENT_H
#define API_SVC_PIPELINE_WORKER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_calls.h"
#include "common/bus/bus.h"

struct worker_client;

/*
 * Make a client for the provider's workers. It rejects everything until it is connected.
 *
 * name            SP_NAME; copied.
 * worker_wait_ms  how long a rejected request is sent again; health never is.
 * Errors: RC_NO_MEMORY; RC_INTERNAL when no thread can be had.
 */
enum rc worker_client_create(const char *name, int64_t worker_wait_ms, struct worker_client **ret_client,
			     struct error *err) must_check;

/*
 * Use this bus from now on, until worker_client_stop(). Once.
 * Errors: those of bus_subscribe().
 */
enum rc worker_client_connect(struct worker_client *client, struct bus *bus, struct error *err) must_check;

/* Whether NATS is connected. Any thread. */
bool worker_client_is_connected(struct worker_client *client);

/* The connection was lost: what is on its way may never be answered, and is asked again. For bus_options.on_state. */
void worker_client_on_lost(struct worker_client *client);

/*
 * Ask. Never waits for an answer.
 * Errors: RC_NO_MEMORY, RC_UNAVAILABLE after worker_client_cancel(); then done() is not called.
 */
enum rc worker_client_ask(struct worker_client *client, const struct worker_ask *ask, struct error *err) must_check;

/* The client was told of what a debt was: let its record go. NATS may lose that; then it goes later. Threads: any. */
void worker_client_release(struct worker_client *client, const struct worker_debt *debt);

/*
 * Give up all pending requests, those of `undo` only when told so: each gets RC_UNAVAILABLE. From now on nothing but
 * undo is asked.
 */
void worker_client_cancel(struct worker_client *client, bool undo_too);

/* Ask every undo that waits, for its time or for a worker, now: there may be no later. */
void worker_client_hurry(struct worker_client *client);

/* How many requests of that operation are pending. */
size_t worker_client_open(struct worker_client *client, enum operation operation);

/*
 * Stop: nothing more is sent, and after the return no done() runs. There must be no further requests. The bus may
 * be destroyed afterwards. Blocks for up to a second.
 */
void worker_client_stop(struct worker_client *client);

/* Stop and free; pending requests are dropped without done(). NULL is allowed. */
void worker_client_destroy(struct worker_client *client);

#endif
