/*
 * Whether a JetStream stream captures our events. With a stream events are acknowledged; otherwise they are published
 * without acknowledgement. Updated by one thread, whose calls may block on NATS; the state may be read, and doubted, on
 * any thread.
 */
#ifndef MONITOR_STREAM_PROBE_H
#define MONITOR_STREAM_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bus/bus_call.h"

/* Zeroed except for the first group. */
struct stream_probe {
	struct bus_caller *caller;
	const char *subject;

	bool known;
	int64_t probed_ms;
	atomic_bool doubt;
	atomic_bool listens;
	atomic_llong gone_ms; /* clock_mono_ms() when the stream was lost; 0: there is one, or there was none */
};

/* After a reconnect: the state may be outdated. */
void stream_probe_reconnected(struct stream_probe *probe);

/* An acknowledgement was unexpected or missing: check soon. Any thread, does not block. */
void stream_probe_doubt(struct stream_probe *probe);

enum stream_probe_result {
	STREAM_PROBE_NOTHING, /* not checked, or no reply */
	STREAM_PROBE_KNOWN,
	STREAM_PROBE_CAME, /* a stream was detected that did not exist before */
};

/*
 * Check for the stream if it is due.
 *
 * has_jetstream  without it there is no stream, and nothing is checked.
 */
enum stream_probe_result stream_probe_tend(struct stream_probe *probe, bool has_jetstream);

#endif
