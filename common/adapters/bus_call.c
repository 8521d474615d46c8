#include "common/adapters/bus_call.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/adapters/bus_inbox.h"
#include "common/base/thread.h"

struct bus_caller {
	struct bus_inbox *inbox;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t answered;
	uint64_t ticket; /* of the question that is open; replies to others are too late */
	bool done;
	struct bus_message *reply;
};

static void on_reply(void *ctx, uint64_t ticket, struct bus_message *msg)
{
	struct bus_caller *caller = ctx;
	struct bus_message *unwanted cleanup_bus_message = msg;

	pthread_mutex_lock(&caller->lock);
	if (ticket == caller->ticket && !caller->done) {
		caller->reply = TAKE(unwanted);
		caller->done = true;
		pthread_cond_signal(&caller->answered);
	}
	pthread_mutex_unlock(&caller->lock);
}

enum rc bus_caller_create(struct bus *bus, struct bus_caller **ret_caller, struct error *err)
{
	struct bus_caller *caller = calloc(1, sizeof(*caller));
	enum rc rc;

	if (!caller)
		return error_no_memory(err);
	pthread_mutex_init(&caller->lock, NULL);
	pthread_cond_init(&caller->answered, NULL);
	rc = bus_inbox_create(bus, on_reply, caller, &caller->inbox, err);
	if (rc) {
		bus_caller_destroy(caller);
		return rc;
	}
	*ret_caller = caller;
	return RC_OK;
}

void bus_caller_destroy(struct bus_caller *caller)
{
	if (!caller)
		return;
	bus_inbox_destroy(caller->inbox);
	bus_message_destroy(caller->reply);
	pthread_cond_destroy(&caller->answered);
	pthread_mutex_destroy(&caller->lock);
	free(caller);
}

/* A new question: what came for older ones is not wanted. */
static uint64_t open_question(struct bus_caller *caller)
{
	uint64_t ticket;

	pthread_mutex_lock(&caller->lock);
	ticket = ++caller->ticket;
	caller->done = false;
	pthread_mutex_unlock(&caller->lock);
	return ticket;
}

static struct bus_message *wait_for_reply(struct bus_caller *caller, int64_t timeout_ms)
{
	struct bus_message *reply;

	pthread_mutex_lock(&caller->lock);
	(void)thread_wait_until(&caller->answered, &caller->lock, &caller->done, timeout_ms);
	caller->done = true; /* closed: a reply from now on is too late */
	reply = TAKE(caller->reply);
	pthread_mutex_unlock(&caller->lock);
	return reply;
}

enum rc bus_call(struct bus_caller *caller, const struct bus_outgoing *out, int64_t timeout_ms,
		 struct bus_message **ret_reply, struct error *err)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	enum rc rc = bus_inbox_ask(caller->inbox, open_question(caller), out, err);

	if (rc)
		return rc;
	reply = wait_for_reply(caller, timeout_ms);
	if (!reply)
		return error_set(err, RC_TIMEOUT, "no reply from '%s' within %" PRId64 " ms", out->subject, timeout_ms);
	if (bus_message_is_no_responders(reply))
		return error_set(err, RC_NOT_FOUND, "nobody listens on '%s'", out->subject);
	*ret_reply = TAKE(reply);
	return RC_OK;
}
