#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/dispatcher.h"
#include "tests/unit/fake_bus.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"
#include "tests/unit/fake_kube.h"

#define PATH "/apis/apps/v1/namespaces/ns/deployments/web"
#define GET_WEB "{\"id\":\"web\"}"
#define CALLER "_INBOX.caller"
#define QUEUE_PER_THREAD 32 /* as in dispatcher.c */

/* A worker without informers, sweeper and health checks. */
struct worker {
	struct bus *bus;
	struct fake_jetstream js;
	struct ledger ledger;
	struct op_env env;
	struct dispatcher *dispatcher;
};

static void start(struct worker *w)
{
	*w = (struct worker){ .env = { .provider = "p", .namespace = "ns" } };
	w->bus = w->js.bus = fake_bus_create();
	fake_jetstream_start(&w->js);
	cr_assert_eq(bus_caller_create(w->bus, &w->env.caller, NULL), RC_OK);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &w->env.cache, NULL), RC_OK);
	ledger_init(&w->ledger, w->env.caller, w->env.provider, 0);
	w->env.ledger = &w->ledger;
	cr_assert_eq(
		dispatcher_create(
			&(struct dispatcher_parts){ .env = &w->env, .concurrency = 1, .streams = 1, .bus = w->bus },
			&w->dispatcher, NULL),
		RC_OK);
}

static void stop(struct worker *w)
{
	cr_expect(dispatcher_drain(w->dispatcher, 5000));
	bus_destroy(w->bus);
	dispatcher_destroy(w->dispatcher);
	bus_caller_destroy(w->env.caller);
	kube_cache_destroy(w->env.cache);
	fake_jetstream_clear(&w->js);
}

/* A request; NULL: as sent by an api-svc, "": left out. */
struct ask {
	const char *operation, *version, *deadline, *attempt, *wait, *permission, *reply, *body;
};

/* Returns the number of receivers. */
static size_t ask(struct worker *w, struct ask a)
{
	char deadline[32];
	char subject[PROTOCOL_SUBJECT_MAX];
	struct bus_header all[] = {
		{ PROTOCOL_HEADER_VERSION, a.version ? a.version : PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_DEADLINE, a.deadline ? a.deadline : deadline },
		{ PROTOCOL_HEADER_ATTEMPT, a.attempt ? a.attempt : "1" },
		{ PROTOCOL_HEADER_WAIT, a.wait ? a.wait : "" },
		{ PROTOCOL_HEADER_PERMISSION, a.permission ? a.permission : "" },
	};
	struct bus_header given[ARRAY_LEN(all)];
	const char *body = a.body ? a.body : GET_WEB;
	struct bus_outgoing out = { .subject = subject,
				    .reply = a.reply ? a.reply : CALLER,
				    .headers = given,
				    .data = body,
				    .len = strlen(body) };

	snprintf(deadline, sizeof(deadline), "%" PRId64, clock_wall_ms() + 60000);
	protocol_operation_subject(w->env.provider, a.operation ? a.operation : "get", subject);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value[0])
			given[out.header_count++] = all[i];
	if (!out.reply[0])
		out.reply = NULL;
	return fake_bus_deliver(w->bus, &out);
}

static const char *status(struct worker *w, const char *caller, size_t index)
{
	return bus_message_header(fake_bus_sent(w->bus, caller, index), PROTOCOL_HEADER_STATUS);
}

static const char *last_status(struct worker *w, const char *caller)
{
	return status(w, caller, fake_bus_count(w->bus, caller) - 1);
}

/* Requests are received in order: earlier ones have been received when this one has its reply. */
static void expect_received(struct worker *w)
{
	ask(w, (struct ask){ .operation = "explode", .reply = "_INBOX.barrier" });
	(void)fake_bus_sent(w->bus, "_INBOX.barrier", 0);
}

/* The worker still processes requests. */
static void expect_alive(struct worker *w)
{
	ask(w, (struct ask){ .reply = "_INBOX.alive" });
	cr_expect_str_eq(status(w, "_INBOX.alive", 0), "NOT_FOUND");
}

static const struct {
	struct ask ask;
	const char *code, *detail;
} refused[] = {
	{ { .version = "" }, "UNSUPPORTED", "'none'" },
	{ { .version = "4" }, "UNSUPPORTED", "'4'" },
	{ { .version = "999999999999999999999999" }, "UNSUPPORTED", "'9999999999999999'" },
	{ { .operation = "explode" }, "UNSUPPORTED", "'explode'" },
	{ { .operation = "settle", .deadline = "" }, "INTERNAL", PROTOCOL_HEADER_DEADLINE },
	{ { .deadline = "" }, "INTERNAL", PROTOCOL_HEADER_DEADLINE },
	{ { .deadline = "soon" }, "INTERNAL", PROTOCOL_HEADER_DEADLINE },
	{ { .attempt = "0" }, "INTERNAL", PROTOCOL_HEADER_ATTEMPT },
	{ { .wait = "-1" }, "INTERNAL", PROTOCOL_HEADER_WAIT },
	{ { .permission = "ask" }, "INTERNAL", "permissions" },
	{ { .body = "" }, "INTERNAL", "malformed request" },
	{ { .body = "{\"id\":\"web\"" }, "INTERNAL", "malformed request" },
	{ { .body = "[]" }, "INTERNAL", "" },
	{ { .body = "{\"id\":7}" }, "INTERNAL", "id" },
	{ { .deadline = "1" }, "TIMEOUT", "deadline expired" },
};

Test(dispatcher, invalid_requests_get_an_error_without_side_effects)
{
	struct worker w;

	start(&w);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct bus_message *reply;

		ask(&w, refused[i].ask);
		reply = fake_bus_sent(w.bus, CALLER, i);
		cr_expect_str_eq(bus_message_header(reply, PROTOCOL_HEADER_STATUS), refused[i].code, "case %zu", i);
		cr_expect_not_null(strstr(fake_bus_text(reply), refused[i].detail), "case %zu: %s", i,
				   fake_bus_text(reply));
	}
	cr_expect_eq(fake_kube_count("GET", "web"), 0, "a request was sent to Kubernetes");
	expect_alive(&w);
	stop(&w);
}

Test(dispatcher, replies_are_only_sent_to_an_inbox)
{
	static const char *const replies[] = { "", "dcm.container", "$JS.API.STREAM.DELETE.KV_a", "_INBOX.",
					       "_INBOX.*" };
	struct worker w;

	start(&w);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		ask(&w, (struct ask){ .reply = replies[i] });
	expect_alive(&w);
	cr_expect_eq(fake_bus_count(w.bus, ">"), 1, "only the last one was answered");
	cr_expect_eq(fake_kube_count("GET", PATH), 1);
	stop(&w);
}

Test(dispatcher, the_versions_of_extended_requests_are_supported)
{
	struct worker w;

	start(&w);
	ask(&w, (struct ask){ .version = PROTOCOL_VERSION_NARROWED });
	ask(&w, (struct ask){ .version = PROTOCOL_VERSION_KINDS });
	cr_expect_str_eq(status(&w, CALLER, 0), "NOT_FOUND");
	stop(&w);
}

Test(dispatcher, a_full_queue_rejects_immediately_and_loses_nothing)
{
	const char *refusal;
	struct worker w;

	start(&w);
	fake_kube_hold(true);
	for (int i = 0; i < 1 + QUEUE_PER_THREAD; i++)
		ask(&w, (struct ask){ 0 });
	ask(&w, (struct ask){ .reply = "_INBOX.late" });
	refusal = status(&w, "_INBOX.late", 0);
	cr_expect_str_eq(refusal, "BUSY");
	cr_expect_eq(fake_bus_count(w.bus, CALLER), 0);
	fake_kube_hold(false);
	for (size_t i = 0; i < 1 + QUEUE_PER_THREAD; i++)
		cr_expect_str_eq(status(&w, CALLER, i), "NOT_FOUND", "%zu", i);
	stop(&w);
	cr_expect_eq(fake_kube_count("GET", PATH), 1 + QUEUE_PER_THREAD);
}

Test(dispatcher, a_request_that_cannot_start_in_time_is_rejected_while_all_threads_are_busy)
{
	int64_t began_ms = clock_mono_ms();
	struct worker w;

	start(&w);
	fake_kube_hold(true);
	ask(&w, (struct ask){ .reply = "_INBOX.runs", .wait = "300" });
	ask(&w, (struct ask){ .reply = "_INBOX.waits", .wait = "300" });
	ask(&w, (struct ask){ .reply = "_INBOX.no_limit" });
	expect_received(&w);
	fake_clock_advance(350);
	cr_expect_str_eq(status(&w, "_INBOX.waits", 0), "BUSY");
	cr_expect_lt(clock_mono_ms() - began_ms, PROTOCOL_WORKING_MS, "not before the next WORKING message");
	fake_kube_hold(false);
	cr_expect_str_eq(status(&w, "_INBOX.runs", 0), "NOT_FOUND");
	cr_expect_str_eq(status(&w, "_INBOX.no_limit", 0), "NOT_FOUND");
	stop(&w);
	cr_expect_eq(fake_kube_count("GET", PATH), 2);
}

Test(dispatcher, long_requests_get_working_messages)
{
	struct bus_message *sign;
	struct worker w;

	start(&w);
	fake_kube_hold(true);
	ask(&w, (struct ask){ .reply = "_INBOX.runs" });
	(void)fake_kube_body("GET", PATH, 0);
	ask(&w, (struct ask){ .reply = "_INBOX.waits" });
	expect_received(&w);
	fake_clock_advance(PROTOCOL_WORKING_MS + 10);
	sign = fake_bus_sent(w.bus, "_INBOX.runs", 0);
	cr_expect_str_eq(bus_message_header(sign, PROTOCOL_HEADER_STATUS), PROTOCOL_STATUS_WORKING);
	cr_expect_null(bus_message_header(sign, PROTOCOL_HEADER_WAIT), "it is running");
	sign = fake_bus_sent(w.bus, "_INBOX.waits", 0);
	cr_expect_str_eq(bus_message_header(sign, PROTOCOL_HEADER_STATUS), PROTOCOL_STATUS_WORKING);
	cr_expect_not_null(bus_message_header(sign, PROTOCOL_HEADER_WAIT), "it is queued");
	fake_kube_hold(false);
	cr_expect(dispatcher_drain(w.dispatcher, 5000));
	cr_expect_str_eq(last_status(&w, "_INBOX.runs"), "NOT_FOUND");
	cr_expect_str_eq(last_status(&w, "_INBOX.waits"), "NOT_FOUND");
	sign = fake_bus_sent(w.bus, "_INBOX.waits", fake_bus_count(w.bus, "_INBOX.waits") - 2);
	cr_expect_str_eq(bus_message_header(sign, PROTOCOL_HEADER_STATUS), PROTOCOL_STATUS_WORKING);
	cr_expect_null(bus_message_header(sign, PROTOCOL_HEADER_WAIT), "it has started");
	stop(&w);
}

Test(dispatcher, a_drain_waits_for_accepted_requests_and_accepts_no_more)
{
	struct worker w;

	start(&w);
	fake_kube_hold(true);
	ask(&w, (struct ask){ .reply = "_INBOX.runs" });
	ask(&w, (struct ask){ .reply = "_INBOX.waits" });
	(void)fake_kube_body("GET", PATH, 0);
	cr_expect_not(dispatcher_drain(w.dispatcher, 20), "an operation is running");
	cr_expect_eq(ask(&w, (struct ask){ .reply = "_INBOX.next" }), 0, "another worker gets it");
	fake_kube_hold(false);
	cr_expect(dispatcher_drain(w.dispatcher, 5000));
	cr_expect_eq(fake_bus_count(w.bus, "_INBOX.runs"), 1);
	cr_expect_eq(fake_bus_count(w.bus, "_INBOX.waits"), 1, "it was received before the drain");
	cr_expect_eq(fake_bus_count(w.bus, "_INBOX.next"), 0);
	stop(&w);
}

Test(dispatcher, a_failed_reply_does_not_stop_the_worker)
{
	struct operation_counts counts;
	struct worker w;

	start(&w);
	fake_kube_hold(true);
	ask(&w, (struct ask){ 0 });
	(void)fake_kube_body("GET", PATH, 0);
	fake_bus_set_connected(w.bus, false);
	fake_kube_hold(false);
	do
		dispatcher_counts(w.dispatcher, OPERATION_GET, &counts);
	while (counts.requests == 0);
	fake_bus_set_connected(w.bus, true);
	expect_alive(&w);
	cr_expect_eq(fake_bus_count(w.bus, CALLER), 0);
	stop(&w);
}

Test(dispatcher, server_errors_are_counted_and_client_errors_are_not)
{
	struct operation_counts counts;
	struct worker w;

	start(&w);
	ask(&w, (struct ask){ 0 });
	cr_expect_str_eq(status(&w, CALLER, 0), "NOT_FOUND");
	fake_kube_refuse("GET", RC_UNAVAILABLE, "etcd is unavailable");
	ask(&w, (struct ask){ 0 });
	cr_expect_str_eq(status(&w, CALLER, 1), "UNAVAILABLE");
	cr_expect(dispatcher_drain(w.dispatcher, 5000));
	dispatcher_counts(w.dispatcher, OPERATION_GET, &counts);
	cr_expect_eq(counts.requests, 2);
	cr_expect_eq(counts.errors, 1);
	cr_expect_str_neq(counts.last_error, "");
	stop(&w);
}

/* ---- questions to the caller ------------------------------------------------------------------------------------- */

#define WEB                                                                                                            \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"00000000-0000-4000-8000-000000000001\",\"labels\":{"                \
	"\"dcm.project/managed-by\":\"dcm\",\"dcm.project/dcm-instance-id\":\"web\",\"dcm.project/dcm-service-type\":" \
	"\"container\"}}}"
#define FIRST "_INBOX.api-svc.abc.1-0-1"
#define SECOND "_INBOX.api-svc.abc.1-0-2"

struct call {
	struct bus *bus;
	const char *permitted; /* the attempt that may write */
	size_t asked;
};

/* As an api-svc replies to PROTOCOL_STATUS_PERMISSION. */
static void on_question(void *ctx, const struct bus_message *msg)
{
	struct call *call = ctx;
	const bool may = str_equal(bus_message_subject(msg), call->permitted);
	const struct bus_header word = { PROTOCOL_HEADER_STATUS, may ? "OK" : "CANCELLED" };

	if (!bus_message_reply(msg))
		return;
	call->asked++;
	fake_bus_deliver(call->bus, &(struct bus_outgoing){
					    .subject = bus_message_reply(msg), .headers = &word, .header_count = 1 });
}

Test(dispatcher, of_two_attempts_of_a_call_one_writes_and_the_other_sends_no_reply)
{
	struct call call = { .permitted = SECOND };
	const struct ask first = { .operation = "delete", .permission = "ask", .reply = FIRST };
	struct ask second = first;
	struct worker w;

	start(&w);
	call.bus = w.bus;
	fake_bus_listen(w.bus, "_INBOX.api-svc.>", on_question, &call);
	fake_kube_set(PATH, WEB);
	second.attempt = "2";
	second.reply = SECOND;
	ask(&w, first);
	ask(&w, second);
	cr_expect(dispatcher_drain(w.dispatcher, 5000));
	cr_expect_str_eq(last_status(&w, SECOND), "OK");
	cr_expect_eq(fake_bus_count(w.bus, FIRST), 1, "only the question: a cancelled attempt sends no reply");
	cr_expect_eq(fake_kube_count("DELETE", PATH), 1);
	cr_expect_geq(call.asked, 2);
	stop(&w);
}

Test(dispatcher, a_retried_delete_of_a_missing_container_succeeds)
{
	struct worker w;

	start(&w);
	ask(&w, (struct ask){ .operation = "delete" });
	ask(&w, (struct ask){ .operation = "delete", .attempt = "2" });
	cr_expect_str_eq(status(&w, CALLER, 0), "NOT_FOUND");
	cr_expect_str_eq(status(&w, CALLER, 1), "OK", "the first attempt may have deleted it");
	stop(&w);
}

Test(dispatcher, the_record_of_a_settled_create_is_removed_on_request_of_its_caller)
{
	static const char *const values[] = { "", "7", "0 owed.a", "7 state.web", "7 owed.a b", "7 owed.req_3A1" };
	struct worker w;

	start(&w);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct bus_header debt = { PROTOCOL_HEADER_DEBT, values[i] };

		/* The second inbox of the worker: that of the settled debts. */
		cr_expect_eq(fake_bus_deliver(w.bus, &(struct bus_outgoing){ .subject = "_INBOX.test.2.0",
									     .headers = &debt,
									     .header_count = 1 }),
			     1);
	}
	cr_expect_eq(fake_bus_count(w.bus, ">"), 1);
	cr_expect_str_eq(fake_bus_text(fake_bus_sent(w.bus, "$JS.API.STREAM.PURGE.KV_k8s-container-sp-p", 0)),
			 "{\"filter\":\"$KV.k8s-container-sp-p.owed.req_3A1\",\"seq\":8}");
	stop(&w);
}
