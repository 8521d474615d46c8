#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/streams/container_log.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/fake_kube_flow.h"
#include "tests/unit/fake_worker_stream.h"
#include "tests/unit/kube_objects.h"

#define PODS "/api/v1/namespaces/ns/pods"
#define TURNS 6 /* until a response was checked, taken and ended */
#define SEEDS 3000
#define STEPS 120
#define RUNS_MAX 64
#define SKEW_NS 10000000 /* lines of an unknown run that are so close may be the same */

/*
 * A container, whose runs log "<run>.<number>", and the kubelet that has their logs: those of the current and of the
 * previous run. The log under test knows the state of note_state().
 */
struct container {
	int run;
	bool waits; /* the run has ended, and no other has started */
	bool deleted;
	int uid;
	int lines[RUNS_MAX];
	int served; /* the run of the open response; -1: none */
	int sent;   /* lines of it */
	int64_t ns; /* of the last line, since that of the first */
	int64_t times[RUNS_MAX][STEPS];
	bool read[RUNS_MAX]; /* to its end, as the log under test knows */
};

static struct stage {
	struct kube_flow *flow;
	struct log_options options;
	struct log_output output;
	struct container_log_owner owner;
	struct container_log *log;
	struct container c;
	struct buf received; /* "<run>.<number> ", and "LOST " */
	struct log_place last;
	int64_t pause_ns; /* between lines */
	const char *pods; /* what Kubernetes returns instead of the Pod; NULL: nothing else */
	int refusal;      /* of requests for a log; 0: none */
	bool is_late;     /* the Pod was made after the stream began */
	bool fails;       /* the log may fail: */
	struct error fault;
	char pod[1024];
} stage;

static void on_begun(void *ctx unused)
{
}

static void on_line(void *ctx unused, struct container_log *log unused, const struct log_line *line)
{
	if (line->lost_from_ns)
		buf_add_str(&stage.received, "LOST");
	else
		stage.last = line->place;
	buf_add(&stage.received, line->text, line->len);
	buf_add_char(&stage.received, ' ');
}

static void on_failed(void *ctx unused, const struct error *why)
{
	cr_assert(stage.fails, "%s", why->text);
	stage.fault = *why;
}

static void open_log(void)
{
	const struct fact pod = { .kind = KUBE_POD, .name = "p3", .uid = kube_uid_parse(UID(3)), .created_ms = 5000 };

	stage.log = container_log_create(&stage.owner, &pod, "web", !stage.is_late);
}

/* The client comes again, with the id of the last line. */
static void resume(void)
{
	stage.options.marks[0] = (struct log_mark){ log_mark_key(&stage.log->pod_uid, "web"), stage.last };
	stage.options.mark_count = 1;
	container_log_destroy(stage.log);
	open_log();
	memset(stage.c.read, 0, sizeof(stage.c.read));
}

static void start(void)
{
	fake_clock_start();
	cr_assert_eq(kube_flow_create(NULL, &stage.flow, NULL), RC_OK);
	fake_worker_stream_use(stage.flow);
	stage.options = (struct log_options){ .follow = true, .tail_lines = -1, .limit_bytes = INT64_MAX };
	stage.output = log_output_make(false, false, false, INT64_MAX);
	stage.owner = (struct container_log_owner){ .namespace = "ns",
						    .options = &stage.options,
						    .output = &stage.output,
						    .begun = on_begun,
						    .line = on_line,
						    .failed = on_failed };
	stage.c = (struct container){ .served = -1, .uid = 3, .ns = 0 };
	stage.received = buf_make(1 << 20);
	stage.pause_ns = 1000;
	open_log();
}

static void stop(void)
{
	container_log_destroy(stage.log);
	log_output_clear(&stage.output);
	buf_clear(&stage.received);
	kube_flow_destroy(stage.flow);
}

TestSuite(container_log, .init = start, .fini = stop);

/* ---- the container ----------------------------------------------------------------------------------------------- */

static int previous_run(void)
{
	return stage.c.run - !stage.c.waits;
}

static void write_pod(void)
{
	const struct container *c = &stage.c;
	struct buf json = buf_make(sizeof(stage.pod));

	buf_add_str(&json, "{\"items\":[");
	if (!c->deleted)
		buf_addf(&json,
			 "{\"metadata\":{\"name\":\"p3\",\"uid\":\"00000000-0000-4000-8000-00000000000%d\"},\"status\":"
			 "{\"containerStatuses\":[{\"name\":\"web\",\"restartCount\":%d,\"state\":{\"%s\":{}}%s}]}}",
			 c->uid, c->run, c->waits ? "waiting" : "running",
			 previous_run() >= 0 ? ",\"lastState\":{\"terminated\":{}}" : "");
	buf_add_str(&json, "]}");
	snprintf(stage.pod, sizeof(stage.pod), "%s", json.data);
	buf_clear(&json);
	fake_kube_set(PODS, stage.pods ? stage.pods : stage.pod);
}

static void say(void)
{
	struct container *c = &stage.c;

	c->ns += stage.pause_ns;
	c->times[c->run][c->lines[c->run]++] = c->ns;
}

static void restart(void)
{
	stage.c.run++;
	stage.c.waits = false;
}

static void crash(void)
{
	stage.c.waits = true;
}

/* The cache sees the current state. */
static void note_state(void)
{
	struct pod_run run = { .container = "web",
			       .restarts = stage.c.run,
			       .previous = previous_run(),
			       .started = true,
			       .goes_on = !stage.c.waits };

	if (stage.c.deleted || stage.c.uid != 3)
		stage.log->is_there = false;
	else
		container_log_see(stage.log, &run, "");
	container_log_note(stage.log);
}

/* The kubelet receives the request. */
static void begin_response(void)
{
	struct kube_call *call = fake_kube_flow_streamed();
	bool of_previous;

	if (!call || fake_kube_call_has_begun(call))
		return;
	of_previous = strstr(fake_kube_call_path(call), "previous=true") != NULL;
	if (stage.refusal) {
		fake_kube_call_end(call, stage.refusal);
		return;
	}
	if (stage.c.deleted || (of_previous && previous_run() < 0)) {
		fake_kube_call_end(call, stage.c.deleted ? 404 : 400);
		return;
	}
	stage.c.served = of_previous ? previous_run() : stage.c.run;
	stage.c.sent = 0;
	fake_kube_call_begin(call);
}

static void send_lines(void)
{
	struct container *c = &stage.c;
	struct kube_call *call = fake_kube_flow_streamed();
	char line[80];

	if (!call || !fake_kube_call_has_begun(call))
		return;
	for (; c->sent < c->lines[c->served]; c->sent++) {
		int64_t ns = c->times[c->served][c->sent];

		snprintf(line, sizeof(line), "2026-01-02T03:04:%02d.%09dZ %d.%d\n", (int)(ns / 1000000000),
			 (int)(ns % 1000000000), c->served, c->sent);
		fake_kube_call_say(call, line);
	}
	if (c->served != c->run || c->waits || c->deleted)
		fake_kube_call_end(call, 200);
}

/* The worker's loop. */
static void turn(void)
{
	write_pod();
	kube_flow_turn(stage.flow);
	container_log_resume(stage.log);
	container_log_look(stage.log);
	if (stage.log->run_known >= 0)
		stage.c.read[stage.log->run_known] = stage.log->ended;
}

static void settle_for(int ms)
{
	for (; ms > 0; ms -= 500) {
		begin_response();
		send_lines();
		turn();
		fake_clock_advance(500);
	}
}

/* Until nothing is left to do. */
static void settle(void)
{
	settle_for(5000 * TURNS);
}

/* Until the rest of the run before is requested. */
static void wait_for_previous(void)
{
	const struct kube_call *call = NULL;

	for (int i = 0; i < TURNS && (!call || !strstr(fake_kube_call_path(call), "previous=true")); i++) {
		fake_clock_advance(500);
		turn();
		call = fake_kube_flow_streamed();
	}
	cr_assert(call && strstr(fake_kube_call_path(call), "previous=true"));
}

static void expect_received(const char *text)
{
	cr_expect_str_eq(stage.received.data ? stage.received.data : "", text);
}

/* The lines of run 0 were output, and it is followed. */
static void follow_run_0(void)
{
	say();
	note_state();
	settle();
	expect_received("0.0 ");
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test(container_log, two_restarts_before_the_next_request_lose_nothing)
{
	follow_run_0();
	restart();
	say();
	restart();
	say();
	settle(); /* the cache has seen none of them */
	expect_received("0.0 1.0 2.0 ");
}

Test(container_log, a_restart_before_the_previous_run_is_served_loses_nothing)
{
	follow_run_0();
	restart();
	say();
	note_state();
	send_lines();
	wait_for_previous();
	restart();
	say();
	settle();
	note_state();
	settle();
	restart();
	say();
	note_state();
	settle();
	expect_received("0.0 1.0 2.0 3.0 ");
}

Test(container_log, a_restart_while_the_previous_run_is_read_loses_nothing)
{
	follow_run_0();
	restart();
	say();
	note_state();
	send_lines();
	wait_for_previous();
	begin_response();
	restart(); /* after that, and before the check */
	say();
	settle();
	expect_received("0.0 1.0 2.0 ");
}

Test(container_log, a_run_that_can_no_longer_be_read_is_reported_as_lost)
{
	follow_run_0();
	for (int i = 0; i < 3; i++) {
		restart();
		say();
	}
	settle();
	expect_received("0.0 LOST 2.0 3.0 ");
}

/* Run k logs k + 1 lines, and the last `runs` - 1 is seen first. */
Test(container_log, the_first_runs_of_a_later_pod_are_output_or_reported_as_lost)
{
	static const struct {
		bool is_late;
		int runs;
		int64_t resumed_start_ns; /* 0: not resumed */
		const char *received;
	} cases[] = {
		{ false, 1, 0, "0.0 " },
		{ false, 2, 0, "1.0 1.1 " },
		{ true, 1, 0, "0.0 " },
		{ true, 2, 0, "0.0 1.0 1.1 " },
		{ true, 3, 0, "LOST 1.0 1.1 2.0 2.1 2.2 " },
		{ false, 2, INT64_C(5900000000), "0.0 1.0 1.1 " },
		{ false, 2, INT64_C(6000000000),
		  "1.0 1.1 " }, /* an older Pod without a place: as at the first request */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		stop();
		start();
		stage.is_late = cases[i].is_late;
		stage.options.tail_lines = 1000;
		stage.options.start_ns = cases[i].resumed_start_ns;
		stage.options.marks[0] = (struct log_mark){ LOG_KEY_START, { cases[i].resumed_start_ns, 0 } };
		stage.options.mark_count = cases[i].resumed_start_ns != 0;
		container_log_destroy(stage.log);
		open_log();
		for (int run = 0; run < cases[i].runs; run++) {
			if (run)
				restart();
			for (int line = 0; line <= run; line++)
				say();
		}
		note_state();
		settle_for(500);
		cr_expect_eq(strstr(fake_kube_call_path(fake_kube_flow_streamed()), "tailLines") != NULL,
			     !cases[i].is_late && cases[i].resumed_start_ns != INT64_C(5900000000), "case %zu", i);
		settle();
		cr_expect_str_eq(stage.received.data ? stage.received.data : "", cases[i].received, "case %zu", i);
	}
}

/* Without a line so far: since when all lines belong to the stream, before and after the response has begun. */
Test(container_log, a_log_that_was_cut_stays_cut_when_resumed)
{
	static const struct {
		int64_t tail_lines, since_seconds;
		bool early, late; /* whether its place is known */
	} cases[] = { { 0, 0, true, true },
		      { -1, 5, true, true },
		      { 3, 0, false, true },
		      { 3, 5, false, true },
		      { -1, 0, false, false } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_place place;

		stop();
		start();
		stage.options.tail_lines = cases[i].tail_lines;
		stage.options.since_seconds = cases[i].since_seconds;
		stage.options.start_ns = INT64_C(100000000000);
		cr_expect_eq(container_log_place(stage.log).ns != 0, cases[i].early, "case %zu", i);
		note_state();
		settle_for(500 * TURNS);
		place = container_log_place(stage.log);
		cr_expect_eq(place.ns > 0, cases[i].late, "case %zu", i);
		cr_expect_eq(place.hash, LOG_HASH_NO_LINE);
		for (int k = 0; cases[i].late && k < 2; k++) { /* twice, without a line */
			stage.last = place;
			resume();
			note_state();
			settle_for(500 * TURNS);
			cr_expect_null(strstr(fake_kube_call_path(fake_kube_flow_streamed()), "tailLines"));
			cr_expect_not_null(strstr(fake_kube_call_path(fake_kube_flow_streamed()), "sinceTime"));
			cr_expect_eq(container_log_place(stage.log).ns, place.ns);
		}
	}
}

Test(container_log, a_run_that_starts_after_the_stream_is_not_cut)
{
	const struct pod_run waiting = { .container = "web", .previous = -1 };

	stage.options.tail_lines = 0;
	container_log_see(stage.log, &waiting, "");
	settle_for(500);
	restart();
	stage.c.run = 1;
	stage.c.lines[0] = 0;
	say();
	note_state();
	settle();
	expect_received("1.0 ");
}

Test(container_log, a_crashed_run_is_output_once)
{
	follow_run_0();
	restart();
	say();
	crash();
	note_state();
	settle();
	expect_received("0.0 1.0 ");
	restart();
	say();
	note_state();
	settle();
	expect_received("0.0 1.0 2.0 ");
}

Test(container_log, a_run_without_lines_is_no_loss)
{
	follow_run_0();
	restart();
	restart();
	say();
	settle();
	expect_received("0.0 2.0 ");
}

Test(container_log, a_run_is_output_once_despite_a_lost_connection)
{
	follow_run_0();
	fake_kube_call_end(fake_kube_flow_streamed(), 0);
	turn();
	say();
	restart(); /* without lines */
	note_state();
	settle();
	restart();
	say();
	note_state();
	settle();
	expect_received("0.0 0.1 2.0 ");
}

Test(container_log, a_smaller_restart_count_is_another_run_and_a_loss)
{
	stage.c.run = 5;
	say();
	note_state();
	settle();
	stage.c.run = 0;
	say();
	note_state();
	settle();
	expect_received("5.0 LOST 0.0 ");
}

Test(container_log, the_log_of_another_pod_with_the_same_name_is_not_output)
{
	follow_run_0();
	fake_kube_call_end(fake_kube_flow_streamed(), 200);
	turn();
	stage.c.uid = 4;
	say();
	settle();
	expect_received("0.0 ");
	note_state();
	settle();
	cr_expect_eq(stage.log->phase, LOG_OVER);
}

Test(container_log, the_last_lines_of_a_deleted_pod_are_output_or_reported_as_lost)
{
	follow_run_0();
	restart();
	say();
	note_state();
	send_lines();
	turn();
	stage.c.deleted = true;
	settle();
	note_state();
	settle();
	expect_received("0.0 LOST ");
	cr_expect_eq(stage.log->phase, LOG_OVER);
}

Test(container_log, a_reconnecting_client_gets_the_rest_of_its_run_and_the_next_one)
{
	stage.pause_ns = 2 * SKEW_NS;
	follow_run_0();
	say();
	restart();
	say();
	say();
	resume();
	note_state();
	settle();
	expect_received("0.0 0.1 1.0 1.1 ");
	say();
	resume();
	note_state();
	settle();
	expect_received("0.0 0.1 1.0 1.1 1.2 ");
}

Test(container_log, a_response_is_held_while_kubernetes_is_unavailable)
{
	say();
	note_state();
	fake_kube_refuse("GET", RC_UNAVAILABLE, "away");
	settle();
	expect_received("");
	fake_kube_refuse("GET", RC_OK, NULL);
	settle();
	expect_received("0.0 ");
}

Test(container_log, a_response_is_held_while_the_check_is_malformed)
{
	static const char *const malformed[] = { "{}", "{\"items\":\"none\"}", "{\"items\":[7]}",
						 "{\"items\":[{\"metadata\":{}}]}" };

	say();
	note_state();
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		stage.pods = malformed[i];
		settle();
		expect_received("");
	}
	stage.pods = NULL;
	settle();
	expect_received("0.0 ");
}

Test(container_log, a_log_that_is_not_followed_ends_with_a_reason_if_its_pod_was_replaced)
{
	stage.options.follow = false;
	say();
	note_state();
	turn();
	stage.c.uid = 4;
	settle();
	expect_received("");
	cr_expect_eq(stage.log->phase, LOG_OVER);
	cr_expect_str_eq(stage.log->reason, "it no longer exists");
}

Test(container_log, a_response_that_does_not_begin_fails_unless_the_log_is_followed)
{
	const struct kube_call *call;

	note_state();
	turn();
	call = fake_kube_flow_streamed();
	for (int i = 0; i < 60; i++) {
		fake_clock_advance(1000);
		turn();
	}
	cr_expect_eq(fake_kube_flow_streamed(), call);
	container_log_destroy(stage.log);
	cr_expect_eq(fake_kube_flow_expired(), 0);
	open_log();
	stage.options.follow = false;
	stage.fails = true;
	note_state();
	for (int i = 0; i < 30; i++) {
		turn();
		fake_clock_advance(1000);
	}
	cr_expect_eq(stage.fault.rc, RC_TIMEOUT);
	cr_expect_str_eq(stage.fault.text, "timeout waiting for Kubernetes");
	cr_expect_geq(fake_kube_flow_expired(), 1);
}

Test(container_log, nothing_is_requested_after_the_log_has_failed)
{
	stage.fails = true;
	say();
	note_state();
	turn();
	begin_response();
	fake_kube_refuse("GET", RC_PERMISSION_DENIED, "no");
	for (int i = 0; i < TURNS && !stage.fault.rc; i++)
		turn();
	cr_expect_eq(stage.fault.rc, RC_PERMISSION_DENIED);
	cr_expect_null(fake_kube_flow_streamed());
}

/* A response that ends with its kubelet is complete. */
static void restart_with_the_kubelet(void)
{
	follow_run_0();
	fake_kube_call_end(fake_kube_flow_streamed(), 200);
	turn();
	say();
	restart();
	say();
	note_state();
	stage.refusal = 500;
}

Test(container_log, the_rest_of_a_run_is_read_when_its_kubelet_is_reachable_again)
{
	restart_with_the_kubelet();
	settle_for(5000);
	stage.refusal = 0;
	settle();
	expect_received("0.0 0.1 1.0 ");
}

Test(container_log, a_request_for_the_previous_run_that_is_not_answered_is_repeated)
{
	follow_run_0();
	restart();
	say();
	note_state();
	send_lines();
	wait_for_previous();
	for (int i = 0; i < 24; i++) { /* within 12 s, without a response */
		fake_clock_advance(500);
		turn();
	}
	cr_expect_gt(stage.log->failing_ms, 0);
	settle();
	expect_received("0.0 1.0 ");
}

Test(container_log, a_run_whose_kubelet_is_not_reachable_for_long_is_reported_as_lost)
{
	restart_with_the_kubelet();
	settle_for(30000);
	expect_received("0.0 ");
	stage.refusal = 0;
	settle();
	expect_received("0.0 LOST 1.0 ");
}

Test(container_log, a_stopped_log_requests_nothing)
{
	say();
	note_state();
	turn();
	begin_response();
	turn();
	container_log_stop(stage.log);
	settle();
	expect_received("");
	cr_expect_null(fake_kube_flow_streamed());
}

/* ---- any order of events ----------------------------------------------------------------------------------------- */

static unsigned random_state;

static unsigned pick(unsigned count)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 16) % count;
}

static void step(void)
{
	struct kube_call *call = fake_kube_flow_streamed();

	switch (pick(13)) {
	case 12:
		if (stage.pause_ns > SKEW_NS && !pick(4)) {
			resume();
			note_state();
		}
		break;
	case 0:
	case 1:
		if (!stage.c.waits)
			say();
		break;
	case 2:
		if (stage.c.run + 1 < RUNS_MAX && pick(2)) {
			restart();
			say();
		}
		break;
	case 3:
		if (!pick(3))
			crash();
		break;
	case 4:
		if (call && !pick(4))
			fake_kube_call_end(call, 0);
		break;
	case 5:
		note_state();
		break;
	case 6:
		fake_clock_advance(300);
		break;
	case 7:
	case 8:
		begin_response();
		break;
	case 9:
		send_lines();
		break;
	default:
		turn();
	}
}

/*
 * All lines are output in order; missing ones are reported as a loss at their position. No loss is reported where
 * nothing is missing, unless the end of the run before it was not seen.
 */
static void check_received(unsigned seed)
{
	int run = 0;
	int line = -1;
	bool lost = false;

	for (const char *at = stage.received.data ? stage.received.data : ""; *at; at = strchr(at, ' ') + 1) {
		int next_run;
		int next_line;
		bool follows;

		if (str_has_prefix(at, "LOST")) {
			lost = true;
			continue;
		}
		cr_assert_eq(sscanf(at, "%d.%d", &next_run, &next_line), 2);
		cr_assert(next_run > run || (next_run == run && next_line > line), "seed %u: %d.%d twice: %s", seed,
			  next_run, next_line, stage.received.data);
		follows = next_run == run ? next_line == line + 1
					  : next_run == run + 1 && next_line == 0 && line + 1 == stage.c.lines[run];
		if (line >= 0 || run)
			cr_assert(follows || lost, "seed %u: before %d.%d: %s", seed, next_run, next_line,
				  stage.received.data);
		cr_assert(!lost || !follows || (next_run > run && !stage.c.read[run]),
			  "seed %u: no loss before %d.%d: %s", seed, next_run, next_line, stage.received.data);
		run = next_run;
		line = next_line;
		lost = false;
	}
	cr_assert_eq(run, stage.c.run, "seed %u: %s", seed, stage.received.data);
	cr_assert_eq(line + 1, stage.c.lines[run], "seed %u: %s", seed, stage.received.data);
}

Test(container_log, no_order_of_events_repeats_lines_or_loses_them_silently)
{
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		if (seed)
			start();
		fake_kube_forget();
		random_state = seed;
		stage.pause_ns = seed % 2 ? 2 * SKEW_NS : 1000;
		say();
		note_state();
		settle();
		for (int i = 0; i < STEPS; i++)
			step();
		if (stage.c.waits)
			restart();
		say();
		note_state();
		settle();
		check_received(seed);
		if (seed + 1 < SEEDS)
			stop();
	}
}
