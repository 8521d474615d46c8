#include "monitor/statistics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/bus/bus_service.h"
#include "common/protocol.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"
#include "common/version.h"

#define LOG_EVERY_MS 60000
#define LOOK_EVERY_MS 5000  /* interval of checks for pending events */
#define LATE_MS 60000       /* age at which pending events are logged */
#define LATE_EVERY_MS 60000 /* log interval */
#define DELIVERY_IDLE_MAX_MS 15000
#define COORDINATOR_IDLE_MAX_MS 30000 /* its calls take seconds if NATS is slow */
#define INFORMERS_IDLE_MAX_MS \
	240000 /* a watch ends within 55 s, a poll starts within 60 s, a list takes at most 2 min */

struct statistics {
	struct bus *bus;
	struct delivery *delivery;
	struct coordinator *coordinator;
	struct bus_service *service;
	struct bus_header metadata[1];
	struct bus_endpoint endpoint; /* no requests: represents published events */
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* protects stopping */
	pthread_cond_t wake;
	bool stopping;

	/* Used only by the thread. */
	int64_t logged_ms;
	int64_t late_ms; /* last logged; 0: never */

	/* Used only by the watchdog. */
	int64_t informers_seen; /* sum of lists, watches and failures */
	int64_t informers_seen_ms;
};

static void write_data(void *ctx, size_t index unused, struct json_writer *w)
{
	struct statistics *statistics = ctx;
	struct delivery_counts d;
	struct coordinator_counts s;

	delivery_counts(statistics->delivery, &d);
	coordinator_counts(statistics->coordinator, &s);
	json_string(w, "role", coordinator_role_name(s.role));
	json_bool(w, "acknowledged", s.acknowledged);
	json_bool(w, "polling", s.informers.polling);
	json_int(w, "published", d.published);
	json_int(w, "retried", d.retried);
	json_int(w, "deleted", d.deleted);
	json_int(w, "recorded", d.recorded);
	json_int(w, "pending", (int64_t)d.pending);
	json_int(w, "lag_ms", d.lag_ms);
	json_int(w, "resyncs", s.resyncs);
	json_int(w, "containers", (int64_t)s.cache.instances);
	json_int(w, "cached_objects", (int64_t)s.cache.facts);
	json_int(w, "relists", s.informers.lists);
	json_int(w, "watches", s.informers.watches);
	json_int(w, "watch_events", s.informers.events);
	json_int(w, "interruptions", s.informers.failures);
}

static void endpoint_stats(void *ctx, size_t index unused, struct bus_endpoint_stats *ret_stats)
{
	struct statistics *statistics = ctx;
	struct delivery_counts counts;

	delivery_counts(statistics->delivery, &counts);
	ret_stats->requests = counts.published;
	ret_stats->errors = counts.retried;
	ret_stats->processing_ns = counts.sending_ns;
	snprintf(ret_stats->last_error, sizeof(ret_stats->last_error), "%s", counts.last_error);
}

static void log_counters(struct statistics *statistics)
{
	struct delivery_counts d;
	struct coordinator_counts s;
	char line[256];

	delivery_counts(statistics->delivery, &d);
	coordinator_counts(statistics->coordinator, &s);
	log_info("counters", log_str("role", coordinator_role_name(s.role)), log_num("published", d.published),
		 log_num("retried", d.retried), log_num("pending", (int64_t)d.pending), log_num("lag_ms", d.lag_ms),
		 log_num("relists", s.informers.lists), log_num("containers", (int64_t)s.cache.instances),
		 log_num("cached_objects", (int64_t)s.cache.facts), log_num("resyncs", s.resyncs));
	snprintf(line, sizeof(line), "%s: %zu containers, %" PRId64 " events published, %zu pending",
		 coordinator_role_name(s.role), s.cache.instances, d.published, d.pending);
	lifecycle_notify_status(line);
}

static bool may_tell(const struct coordinator_counts *s)
{
	return s->role == COORDINATOR_ACTIVE || s->role == COORDINATOR_ALONE;
}

/* The reason why events are pending, if known. */
static const char *why_late(struct statistics *statistics, const struct delivery_counts *d,
			    const struct coordinator_counts *s)
{
	if (!bus_connected(statistics->bus))
		return "NATS is not connected";
	if (!may_tell(s))
		return "the lease is not held";
	return d->failing ? d->last_error : "they are not confirmed, or too many";
}

static void log_late(struct statistics *statistics)
{
	int64_t now_ms = clock_mono_ms();
	struct delivery_counts d;
	struct coordinator_counts s;
	bool late, lost;

	if (statistics->late_ms && now_ms - statistics->late_ms < LATE_EVERY_MS)
		return;
	delivery_counts(statistics->delivery, &d);
	coordinator_counts(statistics->coordinator, &s);
	late = d.lag_ms >= LATE_MS;
	lost = s.stream_gone_ms >= LATE_MS && may_tell(&s);
	if (late || lost)
		statistics->late_ms = now_ms;
	if (late)
		log_warn("events are pending", log_num("pending", (int64_t)d.pending), log_num("lag_ms", d.lag_ms),
			 log_str("why", why_late(statistics, &d, &s)));
	if (lost)
		log_warn("events are published, but no stream captures them",
			 log_str("why", "the stream no longer exists"),
			 log_str("subject", statistics->endpoint.subject), log_num("gone_ms", s.stream_gone_ms));
}

static void *run_statistics(void *ctx)
{
	struct statistics *statistics = ctx;
	bool stopping = false;

	while (!stopping) {
		pthread_mutex_lock(&statistics->lock);
		stopping = thread_wait_until(&statistics->wake, &statistics->lock, &statistics->stopping,
					     LOOK_EVERY_MS);
		pthread_mutex_unlock(&statistics->lock);
		log_late(statistics);
		if (!stopping && clock_mono_ms() - statistics->logged_ms < LOG_EVERY_MS)
			continue;
		log_counters(statistics); /* once more at the end */
		statistics->logged_ms = clock_mono_ms();
	}
	return NULL;
}

enum rc statistics_create(struct bus *bus, enum resource_type type, const char *provider_name,
			  struct delivery *delivery, struct coordinator *coordinator,
			  struct statistics **ret_statistics, struct error *err)
{
	struct bus_service_options options = {
		.name = STATISTICS_SERVICE_NAME,
		.description = "Publishes status events of containers; handles no requests",
		.version = version_text(),
		.metadata_count = 1,
		.endpoint_count = 1,
		.stats = endpoint_stats,
		.data = write_data,
	};
	struct statistics *statistics = calloc(1, sizeof(*statistics));
	enum rc rc;

	if (!statistics)
		return error_no_memory(err);
	statistics->bus = bus;
	statistics->delivery = delivery;
	statistics->coordinator = coordinator;
	statistics->metadata[0] = (struct bus_header){ "provider", provider_name };
	statistics->informers_seen_ms = clock_mono_ms();
	statistics->logged_ms = clock_mono_ms();
	statistics->endpoint = (struct bus_endpoint){ "events", resource_row(type)->event_subject, "" };
	options.metadata = statistics->metadata;
	options.endpoints = &statistics->endpoint;
	options.ctx = statistics;
	pthread_mutex_init(&statistics->lock, NULL);
	pthread_cond_init(&statistics->wake, NULL);
	*ret_statistics = statistics;
	rc = bus_service_create(bus, &options, &statistics->service, err);
	if (!rc)
		rc = thread_start(run_statistics, statistics, &statistics->thread, err);
	statistics->running = !rc;
	return rc;
}

void statistics_stop(struct statistics *statistics)
{
	if (!statistics || !statistics->running)
		return;
	pthread_mutex_lock(&statistics->lock);
	statistics->stopping = true;
	pthread_cond_signal(&statistics->wake);
	pthread_mutex_unlock(&statistics->lock);
	pthread_join(statistics->thread, NULL);
	statistics->running = false;
}

void statistics_destroy(struct statistics *statistics)
{
	if (!statistics)
		return;
	bus_service_destroy(statistics->service);
	pthread_cond_destroy(&statistics->wake);
	pthread_mutex_destroy(&statistics->lock);
	free(statistics);
}

bool statistics_is_alive(struct statistics *statistics)
{
	struct delivery_counts delivery;
	struct coordinator_counts coordinator;
	int64_t informers;
	int64_t now_ms = clock_mono_ms();

	delivery_counts(statistics->delivery, &delivery);
	coordinator_counts(statistics->coordinator, &coordinator);
	informers = coordinator.informers.lists + coordinator.informers.watches + coordinator.informers.failures;
	if (informers != statistics->informers_seen || coordinator.cache.facts == 0) {
		statistics->informers_seen = informers;
		statistics->informers_seen_ms = now_ms;
	}
	return delivery.idle_ms < DELIVERY_IDLE_MAX_MS && coordinator.idle_ms < COORDINATOR_IDLE_MAX_MS &&
	       now_ms - statistics->informers_seen_ms < INFORMERS_IDLE_MAX_MS;
}
