#include <criterion/criterion.h>

#include "common/bus/bus_stream.h"
#include "tests/unit/fake_bus.h"

#define ERROR(code, text) "{\"error\":{\"code\":503,\"err_code\":" #code ",\"description\":\"" text "\"}}"

static const struct ack_case {
	const char *data; /* NULL: no responders */
	enum rc rc;
} cases[] = {
	{ "{\"stream\":\"events\",\"seq\":7}", RC_OK },
	{ "{\"stream\":\"events\",\"seq\":0}", RC_UNAVAILABLE },
	{ "{\"seq\":7}", RC_UNAVAILABLE },
	{ "+OK", RC_UNAVAILABLE },
	{ NULL, RC_NOT_FOUND },
	{ ERROR(10071, "wrong last sequence: 3"), RC_CONFLICT },
	{ ERROR(10164, "wrong last sequence"), RC_BUSY },
	{ ERROR(10039, "JetStream not enabled for account"), RC_UNSUPPORTED },
	{ ERROR(10054, "message size exceeds maximum allowed"), RC_UNAVAILABLE },
	{ ERROR(10077, "maximum bytes exceeded"), RC_UNAVAILABLE },
	{ ERROR(10077, "expected sequence does not match store"), RC_TIMEOUT },
	{ ERROR(10077, "write msgs/1.blk: no space left on device"), RC_TIMEOUT },
};

struct stream {
	struct bus *bus;
	const struct ack_case *now;
	size_t seen;
};

static void acknowledge(void *ctx, const struct bus_message *msg)
{
	struct stream *stream = ctx;

	fake_bus_reply(stream->bus, msg, stream->now->data);
}

static void on_reply(void *ctx, struct bus_message *msg)
{
	struct stream *stream = ctx;
	const char *data = stream->now->data ? stream->now->data : "no responders";
	uint64_t sequence = 0;
	struct error err;
	enum rc rc = bus_stream_read_ack(msg, &sequence, &err);

	cr_expect_eq(rc, stream->now->rc, "%s: %s", data, rc_name(rc));
	cr_expect_eq(sequence, rc ? 0 : 7, "%s", data);
	stream->seen++;
	bus_message_destroy(msg);
}

Test(bus_stream, the_error_of_a_store_that_may_have_succeeded_is_a_timeout)
{
	struct stream stream = { .bus = fake_bus_create() };

	fake_bus_listen(stream.bus, "events", acknowledge, &stream);
	cr_assert_eq(bus_subscribe(stream.bus, "_INBOX.1", NULL, on_reply, &stream, NULL, NULL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct bus_outgoing out = { .subject = "events", .reply = "_INBOX.1" };

		stream.now = &cases[i];
		cr_assert_eq(bus_publish(stream.bus, &out, NULL), RC_OK);
	}
	cr_expect_eq(stream.seen, ARRAY_LEN(cases));
	bus_destroy(stream.bus);
}
