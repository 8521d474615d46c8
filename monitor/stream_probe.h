/*
 * Whether a JetStream stream captures our events. Then each is acknowledged; else they are published plainly. Tended by
 * one thread, whose calls ask NATS and wait; doubt and what is known come from and go to any thread.
 */
#ifndef MONITOR_STREAM_PROBE_H
#define MONITOR_STREAM_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bus/bus_call.h"

/* Zeroed but for the first group. */
struct stream_probe {
	struct bus_caller *caller;
	const char *subject;

	bool known;
	int64_t probed_ms;
	atomic_bool doubt;
	atomic_bool listens;
	atomic_llong gone_ms; /* clock_mono_ms() since when none listens any more; 0: one does, or none ever did */
};

/* The connection is another one: what is known may be wrong. */
void stream_probe_reconnected(struct stream_probe *probe);

/* An acknowledgement said otherwise, or did not come: look soon. Any thread, does not block. */
void stream_probe_doubt(struct stream_probe *probe);

enum stream_probe_result {
	STREAM_PROBE_NOTHING, /* it was not asked now, or there was no reply */
	STREAM_PROBE_KNOWN,
	STREAM_PROBE_CAME, /* known, and one listens that did not before */
};

/*
 * Ask when it is time.
 *
 * has_jetstream  without it none can listen, and nothing is asked.
 */
enum stream_probe_result stream_probe_tend(struct stream_probe *probe, bool has_jetstream);

#endif
