#include "common/adapters/bus_call.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/adapters/bus_inbox.h"
#include "common/base/thread.h"

/* A question that is open; lives on the stack of the thread that waits. */
struct question {
	struct question *next;
	uint64_t ticket;
	bool done;
	struct bus_message *reply;
	pthread_cond_t answered;
};

struct bus_caller {
	struct bus_inbox *inbox;
	pthread_mutex_t lock; /* guards all below, and the open questions */
	uint64_t last_ticket;
	struct question *open;
};

static struct question **find(struct bus_caller *caller, uint64_t ticket)
{
	struct question **at = &caller->open;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	return at;
}

static void on_reply(void *ctx, uint64_t ticket, struct bus_message *msg)
{
	struct bus_caller *caller = ctx;
	struct bus_message *unwanted cleanup_bus_message = msg; /* it came too late, or is the second */
	struct question *question;

	pthread_mutex_lock(&caller->lock);
	question = *find(caller, ticket);
	if (question && !question->done) {
		question->reply = TAKE(unwanted);
		question->done = true;
		pthread_cond_signal(&question->answered);
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

static void open_question(struct bus_caller *caller, struct question *question)
{
	pthread_cond_init(&question->answered, NULL);
	pthread_mutex_lock(&caller->lock);
	question->ticket = ++caller->last_ticket;
	question->next = caller->open;
	caller->open = question;
	pthread_mutex_unlock(&caller->lock);
}

/* From now on a reply is too late. Returns the one that came, or NULL. */
static struct bus_message *close_question(struct bus_caller *caller, struct question *question, int64_t timeout_ms)
{
	pthread_mutex_lock(&caller->lock);
	(void)thread_wait_until(&question->answered, &caller->lock, &question->done, timeout_ms);
	*find(caller, question->ticket) = question->next;
	pthread_mutex_unlock(&caller->lock);
	pthread_cond_destroy(&question->answered);
	return question->reply;
}

enum rc bus_call(struct bus_caller *caller, const struct bus_outgoing *out, int64_t timeout_ms,
		 struct bus_message **ret_reply, struct error *err)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	struct question question = { 0 };
	enum rc rc;

	open_question(caller, &question);
	rc = bus_inbox_ask(caller->inbox, question.ticket, out, err);
	reply = close_question(caller, &question, rc ? 0 : timeout_ms);
	if (rc)
		return rc;
	if (!reply)
		return error_set(err, RC_TIMEOUT, "no reply from '%s' within %" PRId64 " ms", out->subject, timeout_ms);
	if (bus_message_is_no_responders(reply))
		return error_set(err, RC_NOT_FOUND, "nobody listens on '%s'", out->subject);
	*ret_reply = TAKE(reply);
	return RC_OK;
}
