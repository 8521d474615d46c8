#include "monitor/stream_probe.h"

#include "common/base/clock.h"
#include "common/bus/bus_stream.h"
#include "common/services/log.h"

#define PLAIN_MS 2000    /* without a stream: check interval */
#define LISTENS_MS 30000 /* with a stream: check interval */
#define DOUBT_MS 500     /* minimum interval after stream_probe_doubt() */

static int64_t pause_ms(struct stream_probe *probe)
{
	if (!probe->known)
		return 0;
	if (atomic_load(&probe->doubt))
		return DOUBT_MS;
	return atomic_load(&probe->listens) ? LISTENS_MS : PLAIN_MS;
}

void stream_probe_reconnected(struct stream_probe *probe)
{
	probe->known = false;
	probe->probed_ms = 0;
}

void stream_probe_doubt(struct stream_probe *probe)
{
	atomic_store(&probe->doubt, true);
}

enum stream_probe_result stream_probe_tend(struct stream_probe *probe, bool has_jetstream)
{
	bool had = atomic_load(&probe->listens);
	bool found = false;
	struct error err = { 0 };

	if (clock_mono_ms() - probe->probed_ms < pause_ms(probe))
		return STREAM_PROBE_NOTHING;
	probe->probed_ms = clock_mono_ms();
	atomic_store(&probe->doubt, false);
	if (has_jetstream && bus_stream_listens(probe->caller, probe->subject, &found, &err)) {
		log_warn("cannot check for a stream; retrying", log_err(&err));
		return STREAM_PROBE_NOTHING;
	}
	atomic_store(&probe->listens, found);
	if (found)
		atomic_store(&probe->gone_ms, 0);
	else if (had)
		atomic_store(&probe->gone_ms, clock_mono_ms());
	if (!probe->known || had != found)
		log_info(found ? "stream found: events are acknowledged"
			       : "no stream: events are published without acknowledgement",
			 log_str("subject", probe->subject));
	probe->known = true;
	return found && !had ? STREAM_PROBE_CAME : STREAM_PROBE_KNOWN;
}
