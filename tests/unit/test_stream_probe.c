#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "monitor/stream_probe.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"

#define PROBES "$JS.API.STREAM.NAMES"

struct prober {
	struct fake_jetstream js;
	struct bus_caller *caller;
	struct stream_probe probe;
};

static void start(struct prober *p)
{
	*p = (struct prober){ .probe = { .subject = "dcm.container" } };
	p->js.bus = fake_bus_create();
	fake_jetstream_start(&p->js);
	cr_assert_eq(bus_caller_create(p->js.bus, &p->caller, NULL), RC_OK);
	p->probe.caller = p->caller;
}

static void stop(struct prober *p)
{
	bus_destroy(p->js.bus);
	bus_caller_destroy(p->caller);
}

static enum stream_probe_result tend_after(struct prober *p, int64_t ms)
{
	fake_clock_advance(ms);
	return stream_probe_tend(&p->probe, true);
}

Test(stream_probe, a_stream_is_probed_frequently_until_it_exists)
{
	struct prober p;

	start(&p);
	cr_expect_eq(tend_after(&p, 0), STREAM_PROBE_KNOWN);
	cr_expect_eq(tend_after(&p, 1000), STREAM_PROBE_NOTHING);
	p.js.listens = true;
	cr_expect_eq(tend_after(&p, 1100), STREAM_PROBE_CAME);
	cr_expect(atomic_load(&p.probe.listens));
	cr_expect_eq(atomic_load(&p.probe.gone_ms), 0);
	cr_expect_eq(tend_after(&p, 10000), STREAM_PROBE_NOTHING);
	cr_expect_eq(tend_after(&p, 21000), STREAM_PROBE_KNOWN);
	cr_expect_eq(fake_bus_count(p.js.bus, PROBES), 3);
	stop(&p);
}

Test(stream_probe, a_deleted_stream_is_detected_after_a_doubt)
{
	int64_t gone_ms;
	struct prober p;

	start(&p);
	p.js.listens = true;
	cr_expect_eq(tend_after(&p, 0), STREAM_PROBE_CAME);
	p.js.listens = false;
	stream_probe_doubt(&p.probe);
	cr_expect_eq(tend_after(&p, 100), STREAM_PROBE_NOTHING,
		     "not immediately: hundreds of doubts may follow each other");
	cr_expect_eq(tend_after(&p, 500), STREAM_PROBE_KNOWN);
	cr_expect_not(atomic_load(&p.probe.listens));
	gone_ms = atomic_load(&p.probe.gone_ms);
	cr_expect(gone_ms > 0 && gone_ms <= clock_mono_ms());
	cr_expect_eq(tend_after(&p, 2100), STREAM_PROBE_KNOWN);
	cr_expect_eq(atomic_load(&p.probe.gone_ms), gone_ms, "the time is kept");
	p.js.listens = true;
	cr_expect_eq(tend_after(&p, 2100), STREAM_PROBE_CAME);
	cr_expect_eq(atomic_load(&p.probe.gone_ms), 0);
	stop(&p);
}

Test(stream_probe, an_error_response_does_not_change_the_state)
{
	struct prober p;

	start(&p);
	p.js.listens = true;
	(void)tend_after(&p, 0); /* a stream exists */
	p.js.error = FAKE_JETSTREAM_ERROR(10008);
	cr_expect_eq(tend_after(&p, 31000), STREAM_PROBE_NOTHING);
	p.js.error = "no JSON";
	cr_expect_eq(tend_after(&p, 31000), STREAM_PROBE_NOTHING);
	cr_expect(atomic_load(&p.probe.listens));
	stop(&p);
}

Test(stream_probe, the_stream_is_probed_immediately_after_a_reconnect)
{
	struct prober p;

	start(&p);
	p.js.listens = true;
	(void)tend_after(&p, 0); /* a stream exists */
	stream_probe_reconnected(&p.probe);
	cr_expect_eq(tend_after(&p, 0), STREAM_PROBE_KNOWN);
	cr_expect_eq(fake_bus_count(p.js.bus, PROBES), 2);
	stop(&p);
}

Test(stream_probe, without_jetstream_there_is_no_stream_and_no_probe)
{
	struct prober p;

	start(&p);
	p.js.listens = true;
	cr_expect_eq(stream_probe_tend(&p.probe, false), STREAM_PROBE_KNOWN);
	cr_expect_not(atomic_load(&p.probe.listens));
	cr_expect_eq(fake_bus_count(p.js.bus, ">"), 0);
	stop(&p);
}
