#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "kube-worker/streams/streams.h"
#include "tests/unit/fake_bus.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/fake_kube_flow.h"
#include "tests/unit/kube_objects.h"

#define REQUESTS "p.op.exec_run"
#define CALLER "_INBOX.api-svc.abc.1-1"
#define PATH "/apis/apps/v1/namespaces/ns/deployments/web"
#define ROOT                                                                \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(                   \
		1) "\",\"labels\":{\"dcm.project/managed-by\":\"dcm\","     \
		   "\"dcm.project/dcm-instance-id\":\"web\",\"dcm.project/" \
		   "dcm-service-type\":\"container\"}},\"spec\":{"          \
		   "\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\"}]}}}}"
#define STARTED "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"state\":{\"running\":{}}}]"
#define BUSY_MAX 6
#define SUCCESS "{\"metadata\":{},\"status\":\"Success\"}"
#define EXIT_3                                                                                                      \
	"{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\"," \
	"\"message\":\"3\"}]}}"

/* Streams of a worker, and an api-svc that responds to their requests. */
static struct stage {
	struct bus *bus;
	struct op_env env;
	struct streams *streams;
	atomic_bool gone; /* the client */
	atomic_bool silent;
	atomic_int ended;
	enum rc end;
} stage;

static void tell(enum kube_kind kind, const char *text)
{
	struct informer_listener listener = kube_cache_listener(stage.env.cache);
	cleanup_json cJSON *object = cJSON_Parse(text);

	cr_assert_not_null(object);
	listener.list_begin(listener.ctx, kind);
	cr_assert_eq(listener.object(listener.ctx, kind, KUBE_ADDED, object, NULL), RC_OK);
	listener.list_end(listener.ctx, kind);
}

static void tell_none(enum kube_kind kind)
{
	struct informer_listener listener = kube_cache_listener(stage.env.cache);

	listener.list_begin(listener.ctx, kind);
	listener.list_end(listener.ctx, kind);
}

static void on_ended(void *ctx unused, const struct job *job unused, const cJSON *request unused,
		     const struct error *err)
{
	stage.end = err->rc;
	atomic_fetch_add(&stage.ended, 1);
}

static void on_request(void *ctx unused, struct bus_message *msg)
{
	const struct job job = {
		.msg = msg,
		.operation = OPERATION_EXEC_RUN,
		.headers = { .deadline_ms = clock_mono_ms() + 600000,
			     .caller = bus_message_reply(msg),
			     .request_id = "r" },
	};

	cr_assert(streams_take(stage.streams, &job));
}

static void on_question(void *ctx unused, const struct bus_message *msg)
{
	const struct bus_header word = { PROTOCOL_HEADER_STATUS, atomic_load(&stage.gone) ? "CANCELLED" : "OK" };

	if (bus_message_reply(msg) && !atomic_load(&stage.silent))
		fake_bus_deliver(stage.bus, &(struct bus_outgoing){ .subject = bus_message_reply(msg),
								    .headers = &word,
								    .header_count = 1 });
}

static void start(void)
{
	fake_clock_start();
	stage.env.provider = "p";
	stage.env.namespace = "ns";
	stage.bus = fake_bus_create();
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &stage.env.cache, NULL), RC_OK);
	tell(KUBE_DEPLOYMENT, DEPLOYMENT("", ""));
	tell_none(KUBE_STATEFULSET);
	tell(KUBE_REPLICASET, REPLICASET(2, 1, "1"));
	tell(KUBE_POD, POD(3, 2, "", STARTED));
	fake_kube_set(PATH, ROOT);
	cr_assert_eq(streams_create(
			     &(struct streams_options){
				     .env = &stage.env, .bus = stage.bus, .max = BUSY_MAX, .ended = on_ended },
			     &stage.streams, NULL),
		     RC_OK);
	cr_assert_eq(bus_subscribe(stage.bus, REQUESTS, NULL, on_request, NULL, NULL, NULL), RC_OK);
	fake_bus_listen(stage.bus, CALLER, on_question, NULL);
}

static void stop(void)
{
	streams_stop(stage.streams);
	bus_destroy(stage.bus);
	streams_destroy(stage.streams);
	kube_cache_destroy(stage.env.cache);
}

TestSuite(exec_session, .init = start, .fini = stop);

static void run_for(const char *caller, const char *body)
{
	fake_bus_deliver(stage.bus, &(struct bus_outgoing){
					    .subject = REQUESTS, .reply = caller, .data = body, .len = strlen(body) });
}

static void run(const char *body)
{
	run_for(CALLER, body);
}

static void advance(int64_t ms)
{
	fake_clock_advance(ms);
	fake_kube_flow_turn();
}

/* The reply to the request: neither a question nor a WORKING message. */
static struct bus_message *reply(void)
{
	for (size_t i = 0;; i++) {
		struct bus_message *msg = fake_bus_sent(stage.bus, CALLER, i);
		const char *status = bus_message_header(msg, PROTOCOL_HEADER_STATUS);

		if (!str_equal(status, PROTOCOL_STATUS_PERMISSION) && !str_equal(status, PROTOCOL_STATUS_PROBE) &&
		    !str_equal(status, PROTOCOL_STATUS_WORKING))
			return msg;
	}
}

static void expect_reply(const char *status, const char *text)
{
	struct bus_message *msg = reply();

	cr_expect_str_eq(bus_message_header(msg, PROTOCOL_HEADER_STATUS), status);
	cr_expect_not_null(strstr(fake_bus_text(msg), text), "%s", fake_bus_text(msg));
}

/* Advance the clock until the session ends. Returns the ms this took, at most `max_ms`. */
static int64_t time_to_end(int64_t max_ms)
{
	int64_t passed_ms = 0;

	while (!atomic_load(&stage.ended) && passed_ms < max_ms) {
		advance(10);
		passed_ms += 10;
	}
	return passed_ms;
}

static void wait_for_probe(void)
{
	size_t count = fake_bus_count(stage.bus, CALLER);

	while (fake_bus_count(stage.bus, CALLER) < count + 2)
		advance(100);
}

Test(exec_session, a_command_without_stdin_uses_v4_and_returns_its_output)
{
	run("{\"id\":\"web\",\"command\":[\"sh\",\"-c\",\"a b&c\"]}");
	cr_expect_str_eq(fake_kube_socket_protocol(0), EXEC_PROTOCOL_V4);
	cr_expect_str_eq(
		fake_kube_socket_path(0),
		"/api/v1/namespaces/ns/pods/p3/exec?container=web&stdin=false&stdout=true&stderr=true&tty=false"
		"&command=sh&command=-c&command=a%20b%26c");
	fake_kube_socket_accept(0);
	fake_kube_socket_say(0, EXEC_STDOUT, "");
	fake_kube_socket_say(0, EXEC_STDOUT, "out");
	fake_kube_socket_say(0, EXEC_STDERR, "err");
	fake_kube_socket_say(0, EXEC_STATUS, EXIT_3);
	fake_kube_socket_end(0, KUBE_SOCKET_BROKEN); /* some servers close TCP without a close frame */
	expect_reply("OK", "{\"exit_code\":3,\"stdout\":\"out\",\"stderr\":\"err\",\"truncated\":false}");
	fake_kube_socket_expect_closed(0);
}

Test(exec_session, stdin_uses_v5_and_is_closed)
{
	run("{\"id\":\"web\",\"command\":[\"cat\"],\"stdin\":\"in\"}");
	cr_expect_str_eq(fake_kube_socket_protocol(0), EXEC_PROTOCOL_V5);
	fake_kube_socket_accept(0);
	fake_kube_socket_expect(0, "0:in;255:;"); /* the number of the closed channel: a NUL */
	fake_kube_socket_say(0, EXEC_STATUS, SUCCESS);
	fake_kube_socket_end(0, KUBE_SOCKET_CLOSED);
	expect_reply("OK", "\"exit_code\":0");
}

Test(exec_session, the_other_subprotocol_is_tried_once)
{
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_refuse(0, 403, NULL);
	cr_expect_str_eq(fake_kube_socket_protocol(1), EXEC_PROTOCOL_V5);
	fake_kube_socket_refuse(1, 403, NULL);
	expect_reply("PERMISSION_DENIED", "cannot create resource \\\"pods/exec\\\"");
	cr_expect_eq(fake_kube_socket_count(), 2);
}

Test(exec_session, a_rejection_with_a_reason_is_final)
{
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_refuse(
		0, 403, "{\"message\":\"pods \\\"p3\\\" is forbidden: cannot get resource \\\"pods/exec\\\"\"}");
	expect_reply("PERMISSION_DENIED", "");
	cr_expect_eq(fake_kube_socket_count(), 1);
}

Test(exec_session, a_replica_that_no_longer_exists_is_not_started)
{
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_refuse(0, 404, "{\"message\":\"pods \\\"p3\\\" not found\"}");
	expect_reply("NOT_STARTED", "no longer exists");
}

/* Not UNAVAILABLE, which suggests a retry. */
Test(exec_session, a_started_command_without_a_status_has_an_unknown_outcome)
{
	static const enum kube_socket_state ends[] = { KUBE_SOCKET_CLOSED, KUBE_SOCKET_BROKEN };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		run("{\"id\":\"web\",\"command\":[\"x\"]}");
		fake_kube_socket_accept(i);
		fake_kube_socket_say(i, EXEC_STDOUT, "half");
		fake_kube_socket_end(i, ends[i]);
		fake_kube_socket_expect_closed(i);
		expect_reply("TIMEOUT", "was lost before it exited");
	}
}

Test(exec_session, a_started_command_with_an_invalid_message_has_an_unknown_outcome)
{
	static char too_long[EXEC_CONTROL_MAX + 2];

	memset(too_long, 'x', sizeof(too_long) - 1);
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_accept(0);
	fake_kube_socket_say(0, EXEC_STATUS, too_long);
	expect_reply("TIMEOUT", "invalid message from Kubernetes");
}

Test(exec_session, a_connection_lost_while_the_command_is_started_has_an_unknown_outcome)
{
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_refuse(0, 0, NULL);
	expect_reply("TIMEOUT", "whether the command was started is unknown");
	cr_expect_eq(fake_kube_socket_count(), 1);
}

Test(exec_session, a_connection_still_open_after_the_status_is_closed)
{
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	fake_kube_socket_accept(0);
	fake_kube_socket_say(0, EXEC_STATUS, SUCCESS);
	cr_expect_lt(time_to_end(20000), 6000);
	expect_reply("OK", "\"exit_code\":0");
	fake_kube_socket_expect_closed(0);
}

Test(exec_session, nothing_is_started_for_a_cancelled_call)
{
	atomic_store(&stage.gone, true);
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	(void)time_to_end(5000);
	cr_expect_eq(stage.end, RC_CANCELLED);
	cr_expect_eq(fake_kube_socket_count(), 0);
	cr_expect_eq(fake_bus_count(stage.bus, CALLER), 1, "only the question");
}

Test(exec_session, nothing_is_started_if_the_caller_does_not_reply)
{
	atomic_store(&stage.silent, true);
	run("{\"id\":\"web\",\"command\":[\"x\"]}");
	cr_expect_leq(time_to_end(5000), 3000);
	cr_expect_eq(stage.end, RC_CANCELLED);
	cr_expect_eq(fake_kube_socket_count(), 0);
}

Test(exec_session, a_command_ends_within_a_second_after_its_client_left)
{
	run("{\"id\":\"web\",\"command\":[\"x\"],\"timeout_ms\":60000}");
	fake_kube_socket_accept(0);
	wait_for_probe();
	cr_expect_eq(atomic_load(&stage.ended), 0, "the client is connected");
	atomic_store(&stage.gone, true);
	cr_expect_leq(time_to_end(5000), 1000);
	cr_expect_eq(stage.end, RC_CANCELLED);
	fake_kube_socket_expect_closed(0);
}

Test(exec_session, a_caller_that_stops_replying_does_not_end_the_command)
{
	run("{\"id\":\"web\",\"command\":[\"x\"],\"timeout_ms\":60000}");
	fake_kube_socket_accept(0);
	wait_for_probe();
	atomic_store(&stage.silent, true);
	wait_for_probe();
	wait_for_probe();
	cr_expect_eq(atomic_load(&stage.ended), 0, "NATS may be down");
	fake_kube_socket_say(0, EXEC_STATUS, SUCCESS);
	fake_kube_socket_end(0, KUBE_SOCKET_CLOSED);
	expect_reply("OK", "\"exit_code\":0");
}

Test(exec_session, a_command_is_dropped_on_timeout)
{
	run("{\"id\":\"web\",\"command\":[\"x\"],\"timeout_ms\":700}");
	fake_kube_socket_accept(0);
	cr_expect_leq(time_to_end(5000), 1500);
	expect_reply("TIMEOUT", "700 ms");
	fake_kube_socket_expect_closed(0);
}

/* ---- a busy machine ---------------------------------------------------------------------------------------------- */

#define BUSY_CALLER "_INBOX.busy."
#define SILENCE_MS 3000 /* WORKER_SILENCE_MS of api-svc/pipeline/worker_calls.h */

/* Each question blocks the loop for a second; the first one until the other requests are queued. */
static struct busy {
	pthread_barrier_t asked, others_wait;
	bool first; /* used by the loop: the first question was sent */
	int64_t heard_ms[BUSY_MAX];
	int64_t silent_ms[BUSY_MAX]; /* the longest gap */
} busy;

static void on_busy_message(void *ctx unused, const struct bus_message *msg)
{
	size_t i = (size_t)(bus_message_subject(msg)[strlen(BUSY_CALLER)] - '0');
	int64_t silent_ms = clock_mono_ms() - busy.heard_ms[i];

	if (silent_ms > busy.silent_ms[i])
		busy.silent_ms[i] = silent_ms;
	busy.heard_ms[i] = clock_mono_ms();
	if (!bus_message_reply(msg))
		return; /* a WORKING message, not a question */
	if (!busy.first) {
		busy.first = true;
		pthread_barrier_wait(&busy.asked);
		pthread_barrier_wait(&busy.others_wait);
	}
	fake_clock_advance(1000);
	on_question(NULL, msg);
}

Test(exec_session, a_busy_worker_is_not_taken_for_dead)
{
	char caller[] = BUSY_CALLER "N";

	pthread_barrier_init(&busy.asked, NULL, 2);
	pthread_barrier_init(&busy.others_wait, NULL, 2);
	fake_bus_listen(stage.bus, BUSY_CALLER "*", on_busy_message, NULL);
	for (int i = 0; i < BUSY_MAX; i++) {
		caller[strlen(BUSY_CALLER)] = (char)('0' + i);
		busy.heard_ms[i] = clock_mono_ms();
		run_for(caller, "{\"id\":\"web\",\"command\":[\"x\"]}");
		if (i == 0)
			pthread_barrier_wait(&busy.asked);
	}
	pthread_barrier_wait(&busy.others_wait);
	for (size_t i = 0; i < BUSY_MAX; i++)
		(void)fake_kube_socket_path(i);
	for (size_t i = 0; i < BUSY_MAX; i++)
		cr_expect_lt(busy.silent_ms[i], SILENCE_MS, "caller %zu", i);
	pthread_barrier_destroy(&busy.asked);
	pthread_barrier_destroy(&busy.others_wait);
}
