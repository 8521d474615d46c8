#include "common/bus/bus_call.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/bus/bus_inbox.h"

struct bus_caller {
	struct bus *bus;
	struct bus_inbox *inbox;
	pthread_mutex_t lock; /* protects all below, and the pending calls */
	uint64_t last_ticket;
	struct bus_pending *open;
};

static struct bus_pending **find(struct bus_caller *caller, uint64_t ticket)
{
	struct bus_pending **at = &caller->open;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	return at;
}

static void on_reply(void *ctx, uint64_t ticket, struct bus_message *msg)
{
	struct bus_caller *caller = ctx;
	struct bus_message *unwanted cleanup_bus_message = msg; /* late or duplicate */
	struct bus_pending *pending;

	pthread_mutex_lock(&caller->lock);
	pending = *find(caller, ticket);
	if (pending && !pending->done) {
		pending->reply = TAKE(unwanted);
		pending->done = true;
		pthread_cond_signal(&pending->answered);
	}
	pthread_mutex_unlock(&caller->lock);
}

enum rc bus_caller_create(struct bus *bus, struct bus_caller **ret_caller, struct error *err)
{
	struct bus_caller *caller = calloc(1, sizeof(*caller));
	enum rc rc;

	if (!caller)
		return error_no_memory(err);
	caller->bus = bus;
	pthread_mutex_init(&caller->lock, NULL);
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
	pthread_mutex_destroy(&caller->lock);
	free(caller);
}

static void open_pending(struct bus_caller *caller, struct bus_pending *pending, const char *subject)
{
	*pending = (struct bus_pending){ .begun_ms = clock_mono_ms(), .subject = subject };
	pthread_cond_init(&pending->answered, NULL);
	pthread_mutex_lock(&caller->lock);
	pending->ticket = ++caller->last_ticket;
	pending->next = caller->open;
	caller->open = pending;
	pthread_mutex_unlock(&caller->lock);
}

/* Later replies are dropped. Returns the received one, or NULL. */
static struct bus_message *close_pending(struct bus_caller *caller, struct bus_pending *pending, int64_t timeout_ms)
{
	pthread_mutex_lock(&caller->lock);
	(void)thread_wait_until(&pending->answered, &caller->lock, &pending->done, timeout_ms);
	*find(caller, pending->ticket) = pending->next;
	pthread_mutex_unlock(&caller->lock);
	pthread_cond_destroy(&pending->answered);
	return pending->reply;
}

enum rc bus_call_begin(struct bus_caller *caller, const struct bus_outgoing *out, struct bus_pending *pending,
		       struct error *err)
{
	enum rc rc;

	open_pending(caller, pending, out->subject);
	rc = bus_inbox_ask(caller->inbox, pending->ticket, out, err);
	if (rc)
		bus_message_destroy(close_pending(caller, pending, 0));
	return rc;
}

enum rc bus_call_end(struct bus_caller *caller, struct bus_pending *pending, int64_t timeout_ms,
		     struct bus_message **ret_reply, struct error *err)
{
	int64_t left_ms = pending->begun_ms + timeout_ms - clock_mono_ms();
	struct bus_message *reply cleanup_bus_message = close_pending(caller, pending, left_ms > 0 ? left_ms : 0);

	if (!reply)
		return error_set(err, RC_TIMEOUT, "no reply from '%s' within %" PRId64 " ms", pending->subject,
				 timeout_ms);
	if (bus_message_is_no_responders(reply))
		return error_set(err, RC_NOT_FOUND, "no responders on '%s'", pending->subject);
	*ret_reply = TAKE(reply);
	return RC_OK;
}

enum rc bus_call(struct bus_caller *caller, const struct bus_outgoing *out, int64_t timeout_ms,
		 struct bus_message **ret_reply, struct error *err)
{
	struct bus_pending pending;
	enum rc rc = bus_call_begin(caller, out, &pending, err);

	return rc ? rc : bus_call_end(caller, &pending, timeout_ms, ret_reply, err);
}

enum rc bus_call_tell(struct bus_caller *caller, const struct bus_outgoing *out, struct error *err)
{
	return bus_publish(caller->bus, out, err);
}
