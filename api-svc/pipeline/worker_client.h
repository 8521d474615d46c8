/*
 * Asynchronous requests to kube-workers over NATS: thousands may be pending.
 *
 * A request that was rejected before anything was started (no responders, NATS down, all workers busy) is retried until
 * worker_wait_ms. A request without a reply is retried until its deadline, which is safe for every operation
 * (common/protocol.h); the first reply to any attempt wins.
 */
#ifndef API_SVC_PIPELINE_WORKER_CLIENT_H
#define API_SVC_PIPELINE_WORKER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_calls.h"
#include "common/bus/bus.h"

struct worker_client;

/*
 * Create a client for the provider's workers. It rejects all requests until it is connected.
 *
 * name            SP_NAME; copied.
 * worker_wait_ms  how long a rejected request is retried; health is not retried.
 * Errors: RC_NO_MEMORY; RC_INTERNAL no thread.
 */
enum rc worker_client_create(const char *name, int64_t worker_wait_ms, struct worker_client **ret_client,
			     struct error *err) must_check;

/*
 * Set the bus, used until worker_client_stop(). Once.
 * Errors: those of bus_subscribe().
 */
enum rc worker_client_connect(struct worker_client *client, struct bus *bus, struct error *err) must_check;

/* Whether NATS is connected. Thread-safe. */
bool worker_client_is_connected(struct worker_client *client);

/* The connection was lost: requests in flight may never be replied to, and are retried. For bus_options.on_state. */
void worker_client_on_lost(struct worker_client *client);

/*
 * Send a request. Does not wait for the reply.
 * Errors: RC_NO_MEMORY, RC_UNAVAILABLE after worker_client_cancel(); then done() is not called.
 */
enum rc worker_client_ask(struct worker_client *client, const struct worker_ask *ask, struct error *err) must_check;

/* The response was sent: release the record of the debt. If the message is lost, it is removed later. Threads: any. */
void worker_client_release(struct worker_client *client, const struct worker_debt *debt);

/*
 * End all pending requests (undo only if requested) with RC_UNAVAILABLE. From now on only undo is accepted.
 */
void worker_client_cancel(struct worker_client *client, bool undo_too);

/* Send all waiting undo requests now, before the process exits. */
void worker_client_hurry(struct worker_client *client);

/* The number of pending requests of that operation. */
size_t worker_client_open(struct worker_client *client, enum operation operation);

/*
 * Stop: nothing more is sent, and after the return done() is not called. There must be no further requests. The bus may
 * be destroyed afterwards. Blocks for up to a second.
 */
void worker_client_stop(struct worker_client *client);

/* Stop and free; pending requests are dropped without done(). NULL is allowed. */
void worker_client_destroy(struct worker_client *client);

#endif
