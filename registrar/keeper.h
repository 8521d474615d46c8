/*
 * Keeps the provider registered: the thread that runs the state machine of registration.h.
 */
#ifndef REGISTRAR_KEEPER_H
#define REGISTRAR_KEEPER_H

#include "common/bus/bus.h"
#include "common/resource.h"
#include "registrar/config.h"

#define KEEPER_ONCE_MS 60000 /* maximum duration of --once */

/* The result of --once, the exit status of the program. */
enum keeper_result {
	KEEPER_REGISTERED = 0,
	KEEPER_REFUSED = 1,
	KEEPER_UNREACHABLE = 2, /* or only error responses, or stopped before the end */
};

struct keeper;

/*
 * Create it. config and bus are borrowed until keeper_destroy(); bus is NULL for --once, which does not check the API.
 * type: of the resources that the provider manages.
 * ret_keeper: owned by the caller, also after an error, since the bus may refer to it. Errors: those of the parts.
 */
enum rc keeper_create(const struct registrar_config *config, enum resource_type type, struct bus *bus,
		      struct keeper **ret_keeper, struct error *err) must_check;

/*
 * Start the thread: it runs until keeper_stop(), or with --once until the result, and then calls lifecycle_stop().
 * Errors: RC_INTERNAL.
 */
enum rc keeper_start(struct keeper *keeper, struct error *err) must_check;

/* Whether the thread made progress recently. For lifecycle_wait(); ctx is the keeper. Thread-safe. */
bool keeper_alive(void *ctx);

/*
 * End the thread. Returns false if it has not ended within timeout_ms (name resolution cannot be interrupted); then
 * free nothing.
 */
bool keeper_stop(struct keeper *keeper, int64_t timeout_ms);

/* The result of --once; call after keeper_stop(). */
enum keeper_result keeper_result(const struct keeper *keeper);

/* Free; call after keeper_stop() was true, and after bus_destroy(). NULL is allowed. */
void keeper_destroy(struct keeper *keeper);

#endif
