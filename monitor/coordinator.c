#include "monitor/coordinator.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "common/container/bucket_name.h"
#include "common/services/log.h"
#include "monitor/election.h"
#include "monitor/record_load.h"
#include "monitor/stream_probe.h"
#include "monitor/watching.h"

#define TICK_MS 200
#define RETELL_MS 30000              /* after a takeover: maximum delay of a predecessor's messages (TCP, pings) */
#define RESYNC_SPREAD_PER_ENTRY_MS 1 /* spread, so that a resync does not delay changes */
#define FLUSH_SLICE_MS 200           /* between renewals of the lease during the last flush */

struct coordinator {
	struct coordinator_options options;
	struct bus_caller *caller;
	char bucket[BUS_BUCKET_MAX];
	pthread_t thread;
	bool running;
	atomic_int connects;
	atomic_llong seen_ms;
	atomic_llong resyncs;
	atomic_int role; /* enum coordinator_role; written by set_role() */
	struct stream_probe stream;
	pthread_mutex_t lock; /* protects stopping, woken, and `watching` against threads that read its counts */
	pthread_cond_t wake;
	bool woken;
	bool stopping;

	/* Used only by the thread. */
	struct watching *watching; /* NULL: not active */
	int connects_seen;
	struct election election;
	struct record_load *records;
	bool open;
	int64_t resync_ms;
	int64_t retell_ms; /* 0: no */
};

static const char *const role_names[COORDINATOR_ROLE_COUNT] = {
	[COORDINATOR_WAITING] = "waiting for NATS",
	[COORDINATOR_STANDBY] = "standby",
	[COORDINATOR_ACTIVE] = "active",
	[COORDINATOR_ALONE] = "alone",
};

const char *coordinator_role_name(enum coordinator_role role)
{
	return role_names[role];
}

static void set_role(struct coordinator *s, enum coordinator_role role)
{
	enum coordinator_role old = (enum coordinator_role)atomic_exchange(&s->role, (int)role);

	if (old == role)
		return;
	log_info("role", log_str("from", role_names[old]), log_str("to", role_names[role]),
		 log_str("monitor", s->election.id));
	if (role == COORDINATOR_ALONE)
		log_warn("NATS has no JetStream: run only one monitor; events are not acknowledged, and a container "
			 "that is deleted while no monitor is running is never reported as DELETED");
}

/* ---- leading ----------------------------------------------------------------------------------------------------- */

static enum informer_mode mode_of(const struct monitor_config *config)
{
	static const struct {
		const char *name;
		enum informer_mode mode;
	} modes[] = { { "watch", INFORMER_WATCH }, { "poll", INFORMER_POLL } };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].name, config->mode) == 0)
			return modes[i].mode;
	return INFORMER_AUTO;
}

/*
 * Start to watch the cluster. A standby does not watch: its first list, read from etcd when it becomes leader, is never
 * older than what its predecessor has seen, unlike a watch.
 */
static void begin(struct coordinator *s)
{
	const struct monitor_config *config = s->options.config;
	struct watching *watching = NULL;
	struct error err;

	if (watching_create(s->options.type, s->options.auth, config->namespace, mode_of(config), delivery_change,
			    s->options.delivery, &watching, &err)) {
		log_error("cannot start to watch; retrying", log_err(&err));
		return;
	}
	delivery_begin(s->options.delivery, watching_cache(watching));
	if (watching_start(watching, &err)) {
		log_error("cannot start to watch; retrying", log_err(&err));
		delivery_end(s->options.delivery);
		watching_destroy(watching);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->watching = watching;
	pthread_mutex_unlock(&s->lock);
	s->open = false;
	record_load_forget(s->records);
}

static void end(struct coordinator *s)
{
	struct watching *watching;

	delivery_allow(s->options.delivery, 0);
	delivery_end(s->options.delivery);
	pthread_mutex_lock(&s->lock);
	watching = TAKE(s->watching);
	pthread_mutex_unlock(&s->lock);
	watching_destroy(watching);
	s->open = false;
}

/* ---- records and stream ------------------------------------------------------------------------------------------ */

/*
 * One record, on a thread of cnats. A worker may have created a container that the watch has not reported yet, nor its
 * deletion, so its absence means nothing. If the watch fails before that, the records are read again after the next
 * list.
 */
static void take_record(void *ctx, const struct record *record)
{
	struct coordinator *s = ctx;
	bool ahead;

	pthread_mutex_lock(&s->lock);
	ahead = s->watching && record->version > watching_kind(s->watching, record->kind).version;
	pthread_mutex_unlock(&s->lock);
	if (!ahead)
		delivery_remember(s->options.delivery, record);
}

static void tend_stream(struct coordinator *s)
{
	bool has_bucket = election_has_bucket(&s->election);
	enum stream_probe_result result = stream_probe_tend(&s->stream, has_bucket);

	if (result == STREAM_PROBE_NOTHING)
		return;
	delivery_set_route(s->options.delivery, atomic_load(&s->stream.listens), has_bucket ? s->bucket : NULL);
	if (result == STREAM_PROBE_CAME && s->open)
		delivery_tell_all(s->options.delivery, 0, false);
}

/* ---- resync ------------------------------------------------------------------------------------------------------ */

static void schedule_resync(struct coordinator *s)
{
	int64_t period_ms = s->options.config->resync_ms;

	s->resync_ms = clock_mono_ms() + period_ms - random_below(period_ms / 10 + 1);
}

static void tend_resync(struct coordinator *s)
{
	int64_t now_ms = clock_mono_ms();
	int64_t spread_ms = (int64_t)kube_cache_size(watching_cache(s->watching)).instances *
			    RESYNC_SPREAD_PER_ENTRY_MS;

	if (s->retell_ms && now_ms >= s->retell_ms) {
		s->retell_ms = 0;
		delivery_tell_all(s->options.delivery, spread_ms, false);
	}
	if (now_ms < s->resync_ms)
		return;
	atomic_fetch_add(&s->resyncs, 1);
	delivery_tell_all(s->options.delivery,
			  spread_ms < s->options.config->resync_ms / 2 ? spread_ms : s->options.config->resync_ms / 2,
			  false);
	schedule_resync(s);
}

static void try_open(struct coordinator *s)
{
	bool remembered = !election_has_bucket(&s->election) || record_load_is_done(s->records);

	if (s->open || !remembered || !s->stream.known || !watching_is_complete(s->watching))
		return;
	s->open = true;
	log_info("publishing the state of all containers",
		 log_num("containers", (int64_t)kube_cache_size(watching_cache(s->watching)).instances));
	delivery_open(s->options.delivery);
	schedule_resync(s);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void note_connection(struct coordinator *s)
{
	int connects = atomic_load(&s->connects);

	if (connects == s->connects_seen)
		return;
	s->connects_seen = connects;
	election_reconnected(&s->election);
	stream_probe_reconnected(&s->stream);
	if (s->watching)
		delivery_tell_all(s->options.delivery, 0, true);
}

/* Returns false if the features of NATS are unknown. */
static bool tend_role(struct coordinator *s)
{
	static const enum coordinator_role roles[] = {
		[ELECTION_STANDBY] = COORDINATOR_STANDBY,
		[ELECTION_ACTIVE] = COORDINATOR_ACTIVE,
		[ELECTION_ALONE] = COORDINATOR_ALONE,
	};
	bool had_bucket = election_has_bucket(&s->election);
	enum election_result result = election_tend(&s->election);

	if (!had_bucket && election_has_bucket(&s->election))
		record_load_forget(s->records);
	if (s->election.leader[0] && s->watching) {
		log_warn("another monitor has become leader", log_str("monitor", s->election.leader));
		end(s);
	}
	if (s->election.taken_over && !s->watching)
		s->retell_ms = clock_mono_ms() + RETELL_MS;
	s->election.taken_over = false;
	if (result == ELECTION_UNKNOWN)
		return false;
	delivery_allow(s->options.delivery, election_allowed_until_ms(&s->election));
	set_role(s, roles[result]);
	return true;
}

static void tick(struct coordinator *s)
{
	enum coordinator_role role;

	if (!bus_connected(s->options.bus))
		return;
	note_connection(s);
	if (!tend_role(s))
		return;
	role = (enum coordinator_role)atomic_load(&s->role);
	if (role != COORDINATOR_ACTIVE && role != COORDINATOR_ALONE)
		return;
	if (!s->watching)
		begin(s);
	if (!s->watching)
		return;
	tend_stream(s);
	if (election_has_bucket(&s->election) && watching_is_complete(s->watching))
		record_load_tend(s->records, watching_root_lists(s->watching));
	try_open(s);
	if (s->open)
		tend_resync(s);
}

/* Watching has stopped; the lease is held until everything is published, then released. */
static void finish(struct coordinator *s)
{
	int64_t deadline_ms = clock_mono_ms() + s->options.config->shutdown_timeout_ms;
	bool done = !s->watching;

	pthread_mutex_lock(&s->lock); /* records may still arrive, and the counts may be read */
	if (s->watching)
		watching_stop(s->watching);
	pthread_mutex_unlock(&s->lock);
	while (!done && clock_mono_ms() < deadline_ms) {
		done = delivery_flush(s->options.delivery, FLUSH_SLICE_MS);
		if (!done && bus_connected(s->options.bus))
			(void)tend_role(s); /* renews the lease; continue in any case */
	}
	if (!done)
		log_warn("shutdown timeout expired with pending events");
	delivery_allow(s->options.delivery, 0);
	if (bus_connected(s->options.bus))
		election_resign(&s->election);
}

static void *run_coordinator(void *ctx)
{
	struct coordinator *s = ctx;
	bool stopping = false;

	while (!stopping) {
		atomic_store(&s->seen_ms, clock_mono_ms());
		tick(s);
		pthread_mutex_lock(&s->lock);
		if (!s->stopping)
			(void)thread_wait_until(&s->wake, &s->lock, &s->woken, TICK_MS); /* check in any case */
		s->woken = false;
		stopping = s->stopping;
		pthread_mutex_unlock(&s->lock);
	}
	finish(s);
	return NULL;
}

static void wake(struct coordinator *s)
{
	pthread_mutex_lock(&s->lock);
	s->woken = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void coordinator_connected(struct coordinator *coordinator)
{
	atomic_fetch_add(&coordinator->connects, 1);
	wake(coordinator);
}

void coordinator_doubt(void *coordinator)
{
	struct coordinator *s = coordinator;

	stream_probe_doubt(&s->stream);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

enum rc coordinator_create(const struct coordinator_options *options, struct coordinator **ret_coordinator,
			   struct error *err)
{
	struct record_load_options records = { .take = take_record };
	struct coordinator *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (!s)
		return error_no_memory(err);
	s->options = *options;
	s->connects_seen = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	bucket_name_write(options->config->name, s->bucket);
	*ret_coordinator = s;
	if (!crypto_random_uuid(s->election.id))
		return error_set(err, RC_INTERNAL, "no random numbers for an id");
	rc = bus_caller_create(options->bus, &s->caller, err);
	if (rc)
		return rc;
	s->election.caller = s->caller;
	s->election.bucket = s->bucket;
	s->election.replicas = options->config->nats_replicas;
	s->stream.caller = s->caller;
	s->stream.subject = resource_row(options->type)->event_subject;
	records.type = options->type;
	records.bus = options->bus;
	records.caller = s->caller;
	records.bucket = s->bucket;
	records.ctx = s;
	return record_load_create(&records, &s->records, err);
}

enum rc coordinator_start(struct coordinator *coordinator, struct error *err)
{
	enum rc rc;

	atomic_store(&coordinator->seen_ms, clock_mono_ms());
	rc = thread_start(run_coordinator, coordinator, &coordinator->thread, err);
	coordinator->running = !rc;
	return rc;
}

void coordinator_stop(struct coordinator *coordinator)
{
	if (!coordinator || !coordinator->running)
		return;
	pthread_mutex_lock(&coordinator->lock);
	coordinator->stopping = true;
	coordinator->woken = true;
	pthread_cond_signal(&coordinator->wake);
	pthread_mutex_unlock(&coordinator->lock);
	pthread_join(coordinator->thread, NULL);
	coordinator->running = false;
}

void coordinator_destroy(struct coordinator *coordinator)
{
	if (!coordinator)
		return;
	coordinator_stop(coordinator);
	watching_destroy(coordinator->watching);
	record_load_destroy(coordinator->records);
	bus_caller_destroy(coordinator->caller);
	pthread_cond_destroy(&coordinator->wake);
	pthread_mutex_destroy(&coordinator->lock);
	free(coordinator);
}

void coordinator_counts(struct coordinator *coordinator, struct coordinator_counts *ret_counts)
{
	int64_t gone_ms = atomic_load(&coordinator->stream.gone_ms);

	*ret_counts = (struct coordinator_counts){
		.role = (enum coordinator_role)atomic_load(&coordinator->role),
		.acknowledged = atomic_load(&coordinator->stream.listens),
		.stream_gone_ms = gone_ms ? clock_mono_ms() - gone_ms : 0,
		.resyncs = atomic_load(&coordinator->resyncs),
		.idle_ms = clock_mono_ms() - atomic_load(&coordinator->seen_ms),
	};
	/* An expired lease is reported immediately, before the thread has noticed. */
	if (ret_counts->role == COORDINATOR_ACTIVE && !delivery_is_allowed(coordinator->options.delivery))
		ret_counts->role = COORDINATOR_STANDBY;
	pthread_mutex_lock(&coordinator->lock);
	if (coordinator->watching) {
		ret_counts->informers = watching_counts(coordinator->watching);
		ret_counts->cache = kube_cache_size(watching_cache(coordinator->watching));
	}
	pthread_mutex_unlock(&coordinator->lock);
}
