#include "monitor/steward.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/container/record.h"
#include "common/protocol.h"
#include "common/services/log.h"
#include "monitor/lease.h"
#include "monitor/watching.h"

#define TICK_MS 200
#define PUT_TIMEOUT_MS 1000
#define NO_STORAGE_TRIES 3     /* answers "no JetStream" in a row before it is believed */
#define STORAGE_AGAIN_MS 30000 /* without JetStream: has it come? */
#define PROBE_PLAIN_MS 2000    /* no stream listens: has one come? */
#define PROBE_STREAM_MS 30000  /* one listens: does it still? */
#define PROBE_DOUBT_MS 500     /* at most so often when in doubt */
#define LOAD_TIMEOUT_MS 5000
#define RETELL_MS 30000              /* after a takeover: what a predecessor sent may arrive so late (TCP, pings) */
#define RESYNC_SPREAD_PER_ENTRY_MS 1 /* a resync does not delay changes */
#define FLUSH_SLICE_MS 200           /* between two renewals of the lease during the last flush */
#define LEADER_VALUE_MAX 256

enum storage { STORAGE_UNKNOWN, STORAGE_NONE, STORAGE_BUCKET };

struct load {
	bool begun;
	bool done;
	char consumer[BUS_BUCKET_MAX];
	int64_t begun_ms;
	int64_t lists; /* of the Deployments that had been read when it began */
	int64_t expected;
	char from[BUS_BUCKET_MAX]; /* the sender of what was received; guarded by the steward's lock, as `received` */
	int64_t received;
};

struct steward {
	struct steward_options options;
	struct bus_caller *caller;
	char address[BUS_INBOX_MAX]; /* to which records are sent */
	char bucket[BUS_BUCKET_MAX];
	char id[CRYPTO_UUID_MAX];
	pthread_t thread;
	bool running;
	atomic_int connects;
	atomic_bool doubt;
	atomic_llong seen_ms;
	atomic_llong resyncs;
	atomic_int role; /* enum steward_role; written by set_role() */
	atomic_bool acknowledged;
	atomic_llong stream_gone_ms; /* since when; 0: it has not */
	pthread_mutex_t
		lock; /* guards stopping, woken, load.from and .received, and `watching` against steward_counts() */
	pthread_cond_t wake;
	bool woken;
	bool stopping;

	/* The thread's own. */
	struct watching *watching; /* NULL: not active */
	int connects_seen;
	enum storage storage;
	int no_storage;
	int64_t storage_ms; /* when it was last looked for */
	struct lease lease;
	int64_t lease_ms; /* when it was last tended */
	bool route_known;
	int64_t probed_ms;
	struct load load;
	bool open;
	int64_t resync_ms;
	int64_t retell_ms; /* 0: no */
};

static const char *const role_names[STEWARD_ROLE_COUNT] = {
	[STEWARD_WAITING] = "waiting for NATS",
	[STEWARD_STANDBY] = "standby",
	[STEWARD_ACTIVE] = "active",
	[STEWARD_ALONE] = "alone",
};

const char *steward_role_name(enum steward_role role)
{
	return role_names[role];
}

static void set_role(struct steward *s, enum steward_role role)
{
	enum steward_role old = (enum steward_role)atomic_exchange(&s->role, (int)role);

	if (old == role)
		return;
	log_info("role", log_str("from", role_names[old]), log_str("to", role_names[role]), log_str("monitor", s->id));
	if (role == STEWARD_ALONE)
		log_warn("NATS offers no JetStream: run one monitor only; events are not acknowledged, and a container "
			 "that is deleted while no monitor runs is never reported DELETED");
}

/* ---- being active ------------------------------------------------------------------------------------------------ */

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
 * Begin to see the cluster. A monitor in standby does not: its first list, read from etcd when it becomes active, is
 * never older than what its predecessor saw, as a watch might be.
 */
static void begin(struct steward *s)
{
	const struct monitor_config *config = s->options.config;
	struct watching *watching = NULL;
	struct error err;

	if (watching_create(s->options.type, s->options.auth, config->namespace, mode_of(config), delivery_change,
			    s->options.delivery, &watching, &err)) {
		log_error("cannot begin to watch; trying again", log_err(&err));
		return;
	}
	delivery_begin(s->options.delivery, watching_cache(watching));
	if (watching_start(watching, &err)) {
		log_error("cannot begin to watch; trying again", log_err(&err));
		delivery_end(s->options.delivery);
		watching_destroy(watching);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->watching = watching;
	pthread_mutex_unlock(&s->lock);
	s->open = false;
	s->load.begun = false;
	s->load.done = false;
}

static void end(struct steward *s)
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

/* ---- storage ----------------------------------------------------------------------------------------------------- */

static void find_storage(struct steward *s)
{
	struct error err;
	enum rc rc;

	s->storage_ms = clock_mono_ms();
	rc = bus_bucket_open(s->caller, s->bucket, s->options.config->nats_replicas, &err);
	if (!rc) {
		s->no_storage = 0;
		if (s->storage != STORAGE_BUCKET)
			s->load.begun = s->load.done = false;
		s->storage = STORAGE_BUCKET;
	} else if (rc == RC_UNSUPPORTED) {
		if (++s->no_storage >= NO_STORAGE_TRIES)
			s->storage = STORAGE_NONE;
	} else {
		log_warn("JetStream does not answer as it should; trying again", log_err(&err));
	}
}

/* ---- the lease --------------------------------------------------------------------------------------------------- */

/* Read who is active. False: unknown at the moment. */
static bool look_at_leader(struct steward *s)
{
	struct buf value cleanup_buf = buf_make(LEADER_VALUE_MAX);
	uint64_t sequence = 0;
	struct error err;
	enum rc rc = bus_bucket_get(s->caller, s->bucket, RECORD_LEADER_KEY, &value, &sequence, &err);

	if (rc && rc != RC_NOT_FOUND) {
		log_debug("cannot read who is active", log_err(&err));
		return false;
	}
	if (!rc && strcmp(value.data, s->id) == 0) {
		s->lease.own = sequence; /* a write of ours whose acknowledgement was lost; it counts from the next */
		return true;
	}
	s->lease.own = 0;
	lease_see(&s->lease, sequence, value.len == 0, clock_mono_ms());
	if (sequence && value.len > 0 && s->watching) {
		log_warn("another monitor has become active", log_str("monitor", value.data));
		end(s);
		lease_see(&s->lease, sequence, false, clock_mono_ms());
	}
	return true;
}

static void write_leader(struct steward *s)
{
	bool taking = s->lease.own == 0;
	bool abandoned = taking && s->lease.seen && !s->lease.released;
	int64_t began_ms = clock_mono_ms();
	uint64_t sequence = 0;
	struct error err;
	enum rc rc = bus_bucket_put_if(s->caller, s->bucket, RECORD_LEADER_KEY, s->id,
				       taking ? s->lease.seen : s->lease.own, &sequence, PUT_TIMEOUT_MS, &err);

	if (!rc) {
		lease_renewed(&s->lease, sequence, began_ms);
		delivery_allow(s->options.delivery, s->lease.held_until_ms);
		if (abandoned && !s->watching)
			s->retell_ms = began_ms + RETELL_MS;
		return;
	}
	log_debug("the lease could not be written", log_err(&err));
	if (rc == RC_CONFLICT)
		(void)look_at_leader(s); /* what it found is in s->lease */
	else if (rc == RC_NOT_FOUND)
		s->storage = STORAGE_UNKNOWN; /* the bucket has gone */
}

static void tend_lease(struct steward *s)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - s->lease_ms < LEASE_RENEW_MS)
		return;
	s->lease_ms = now_ms;
	if (s->lease.own == 0 && !look_at_leader(s))
		return;
	if (s->lease.own != 0 || lease_may_take(&s->lease, clock_mono_ms()))
		write_leader(s);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/*
 * A worker's record of a container of which the watch has yet to tell: also of its end, so nothing may be concluded from
 * its absence. Should the watch break before, the records are read again after the next list.
 */
static bool is_ahead(struct steward *s, const struct record *record)
{
	bool ahead;

	pthread_mutex_lock(&s->lock);
	ahead = s->watching && record->version > watching_deployments(s->watching).version;
	pthread_mutex_unlock(&s->lock);
	return ahead;
}

/* On a thread of cnats: one record of an earlier life, or of a worker. */
static void on_record(void *ctx, struct bus_message *msg)
{
	struct bus_message *owned cleanup_bus_message = msg;
	struct steward *s = ctx;
	cleanup_json cJSON *tree = NULL;
	struct record record;
	struct error err;
	size_t len;
	const char *data = bus_message_data(owned, &len);
	char from[BUS_BUCKET_MAX];

	if (!bus_bucket_sender(owned, from))
		return;
	if (record_read(data, len, &tree, &record, &err))
		log_warn("a record cannot be read; leaving it out", log_err(&err));
	else if (!is_ahead(s, &record))
		delivery_remember(s->options.delivery, record.id, record.name, record.status);
	pthread_mutex_lock(&s->lock);
	if (strcmp(s->load.from, from) != 0) {
		snprintf(s->load.from, sizeof(s->load.from), "%s", from);
		s->load.received = 0;
	}
	s->load.received++;
	pthread_mutex_unlock(&s->lock);
}

static bool is_loaded(struct steward *s)
{
	bool loaded;

	pthread_mutex_lock(&s->lock);
	loaded = s->load.expected == 0 ||
		 (strcmp(s->load.from, s->load.consumer) == 0 && s->load.received >= s->load.expected);
	pthread_mutex_unlock(&s->lock);
	return loaded;
}

static void begin_load(struct steward *s)
{
	char all[RECORD_KEY_MAX];
	struct error err;

	s->load.begun_ms = clock_mono_ms();
	s->load.lists = watching_deployments(s->watching).lists;
	record_key(s->options.type, NULL, all);
	if (bus_bucket_send_all(s->caller, s->bucket, all, s->address, s->load.consumer, &s->load.expected, &err))
		log_warn("cannot read what was reported before; trying again", log_err(&err));
	else
		s->load.begun = true;
}

/*
 * The records are read after each list of the Deployments: a container that a worker has made and that the list does
 * not hold any more is gone, and no watch would ever tell of it.
 */
static void tend_load(struct steward *s)
{
	if (!watching_is_complete(s->watching))
		return;
	if (s->load.done && s->load.lists != watching_deployments(s->watching).lists)
		s->load.done = false;
	if (s->load.done)
		return;
	if (!s->load.begun) {
		begin_load(s);
		return;
	}
	if (is_loaded(s)) {
		s->load.done = true;
		log_debug("read what was reported before", log_num("records", s->load.expected));
	} else if (clock_mono_ms() - s->load.begun_ms < LOAD_TIMEOUT_MS) {
		return;
	}
	s->load.begun = false;
	bus_bucket_end(s->caller, s->bucket, s->load.consumer);
}

/* ---- the route --------------------------------------------------------------------------------------------------- */

static int64_t probe_pause_ms(struct steward *s)
{
	if (!s->route_known)
		return 0;
	if (atomic_load(&s->doubt))
		return PROBE_DOUBT_MS;
	return atomic_load(&s->acknowledged) ? PROBE_STREAM_MS : PROBE_PLAIN_MS;
}

static void tend_route(struct steward *s)
{
	const char *subject = resource_row(s->options.type)->event_subject;
	bool had = atomic_load(&s->acknowledged);
	bool found = false;
	struct error err = { 0 };
	enum rc rc = RC_OK;

	if (clock_mono_ms() - s->probed_ms < probe_pause_ms(s))
		return;
	s->probed_ms = clock_mono_ms();
	atomic_store(&s->doubt, false);
	if (s->storage == STORAGE_BUCKET)
		rc = bus_stream_listens(s->caller, subject, &found, &err);
	if (rc) {
		log_warn("cannot ask which stream listens; trying again", log_err(&err));
		return;
	}
	atomic_store(&s->acknowledged, found);
	if (found)
		atomic_store(&s->stream_gone_ms, 0);
	else if (had)
		atomic_store(&s->stream_gone_ms, clock_mono_ms());
	delivery_set_route(s->options.delivery, found, s->storage == STORAGE_BUCKET ? s->bucket : NULL);
	if (!s->route_known || had != found)
		log_info(found ? "a stream listens: events are acknowledged"
			       : "no stream listens: events are published plainly",
			 log_str("subject", subject));
	s->route_known = true;
	if (found && !had && s->open)
		delivery_tell_all(s->options.delivery, 0, false);
}

/* ---- telling all again ------------------------------------------------------------------------------------------- */

static void schedule_resync(struct steward *s)
{
	int64_t period_ms = s->options.config->resync_ms;

	s->resync_ms = clock_mono_ms() + period_ms - random_below(period_ms / 10 + 1);
}

static void tend_resync(struct steward *s)
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

static void try_open(struct steward *s)
{
	bool remembered = s->storage == STORAGE_NONE || s->load.done;

	if (s->open || !remembered || !s->route_known || !watching_is_complete(s->watching))
		return;
	s->open = true;
	log_info("telling the state of all containers",
		 log_num("containers", (int64_t)kube_cache_size(watching_cache(s->watching)).instances));
	delivery_open(s->options.delivery);
	schedule_resync(s);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void note_connection(struct steward *s)
{
	int connects = atomic_load(&s->connects);

	if (connects == s->connects_seen)
		return;
	s->connects_seen = connects;
	s->storage = STORAGE_UNKNOWN;
	s->no_storage = 0;
	s->route_known = false;
	s->probed_ms = 0;
	s->lease_ms = 0;
	if (s->watching)
		delivery_tell_all(s->options.delivery, 0, true);
}

static void tend_role(struct steward *s)
{
	bool alone = s->storage == STORAGE_NONE;

	if (s->storage == STORAGE_UNKNOWN || (alone && clock_mono_ms() - s->storage_ms > STORAGE_AGAIN_MS))
		find_storage(s);
	if (s->storage == STORAGE_BUCKET)
		tend_lease(s);
	if (s->storage == STORAGE_NONE) {
		delivery_allow(s->options.delivery, OUTBOX_NEVER);
		set_role(s, STEWARD_ALONE);
	} else if (s->storage == STORAGE_BUCKET) {
		if (alone)
			delivery_allow(s->options.delivery, s->lease.held_until_ms);
		set_role(s, lease_held(&s->lease, clock_mono_ms()) ? STEWARD_ACTIVE : STEWARD_STANDBY);
	}
}

static void tick(struct steward *s)
{
	enum steward_role role;

	if (!bus_connected(s->options.bus))
		return;
	note_connection(s);
	tend_role(s);
	role = (enum steward_role)atomic_load(&s->role);
	if (s->storage == STORAGE_UNKNOWN || (role != STEWARD_ACTIVE && role != STEWARD_ALONE))
		return;
	if (!s->watching)
		begin(s);
	if (!s->watching)
		return;
	tend_route(s);
	if (s->storage == STORAGE_BUCKET)
		tend_load(s);
	try_open(s);
	if (s->open)
		tend_resync(s);
}

/* The cluster is not looked at any more; the lease is kept until all is told, then given back. */
static void finish(struct steward *s)
{
	int64_t deadline_ms = clock_mono_ms() + s->options.config->shutdown_timeout_ms;
	uint64_t sequence;
	struct error err;
	bool done = !s->watching;

	pthread_mutex_lock(&s->lock); /* records may still come, and the counts may be read */
	if (s->watching)
		watching_stop(s->watching);
	pthread_mutex_unlock(&s->lock);
	while (!done && clock_mono_ms() < deadline_ms) {
		done = delivery_flush(s->options.delivery, FLUSH_SLICE_MS);
		if (!done && bus_connected(s->options.bus))
			tend_role(s);
	}
	if (!done)
		log_warn("not everything could be told before the end of the shutdown timeout");
	delivery_allow(s->options.delivery, 0);
	if (s->storage == STORAGE_BUCKET && s->lease.own && bus_connected(s->options.bus) &&
	    bus_bucket_put_if(s->caller, s->bucket, RECORD_LEADER_KEY, "", s->lease.own, &sequence, PUT_TIMEOUT_MS,
			      &err))
		log_warn("the lease could not be given back; it ends by itself", log_err(&err));
}

static void *run_steward(void *ctx)
{
	struct steward *s = ctx;
	bool stopping = false;

	while (!stopping) {
		atomic_store(&s->seen_ms, clock_mono_ms());
		tick(s);
		pthread_mutex_lock(&s->lock);
		if (!s->stopping)
			(void)thread_wait_until(&s->wake, &s->lock, &s->woken, TICK_MS); /* woken or not: look */
		s->woken = false;
		stopping = s->stopping;
		pthread_mutex_unlock(&s->lock);
	}
	finish(s);
	return NULL;
}

static void wake(struct steward *s)
{
	pthread_mutex_lock(&s->lock);
	s->woken = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void steward_connected(struct steward *steward)
{
	atomic_fetch_add(&steward->connects, 1);
	wake(steward);
}

void steward_doubt(void *steward)
{
	struct steward *s = steward;

	atomic_store(&s->doubt, true);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

enum rc steward_create(const struct steward_options *options, struct steward **ret_steward, struct error *err)
{
	struct steward *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (!s)
		return error_no_memory(err);
	s->options = *options;
	s->connects_seen = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	record_bucket(options->config->name, s->bucket);
	*ret_steward = s;
	if (!crypto_random_uuid(s->id))
		return error_set(err, RC_INTERNAL, "no randomness for an id");
	rc = bus_caller_create(options->bus, &s->caller, err);
	if (!rc)
		rc = bus_new_inbox(options->bus, s->address, err);
	if (!rc)
		rc = bus_subscribe(options->bus, s->address, NULL, on_record, s, NULL, err);
	return rc;
}

enum rc steward_start(struct steward *steward, struct error *err)
{
	enum rc rc;

	atomic_store(&steward->seen_ms, clock_mono_ms());
	rc = thread_start(run_steward, steward, &steward->thread, err);
	steward->running = !rc;
	return rc;
}

void steward_stop(struct steward *steward)
{
	if (!steward || !steward->running)
		return;
	pthread_mutex_lock(&steward->lock);
	steward->stopping = true;
	steward->woken = true;
	pthread_cond_signal(&steward->wake);
	pthread_mutex_unlock(&steward->lock);
	pthread_join(steward->thread, NULL);
	steward->running = false;
}

void steward_destroy(struct steward *steward)
{
	if (!steward)
		return;
	steward_stop(steward);
	watching_destroy(steward->watching);
	bus_caller_destroy(steward->caller);
	pthread_cond_destroy(&steward->wake);
	pthread_mutex_destroy(&steward->lock);
	free(steward);
}

void steward_counts(struct steward *steward, struct steward_counts *ret_counts)
{
	int64_t gone_ms = atomic_load(&steward->stream_gone_ms);

	*ret_counts = (struct steward_counts){
		.role = (enum steward_role)atomic_load(&steward->role),
		.acknowledged = atomic_load(&steward->acknowledged),
		.stream_gone_ms = gone_ms ? clock_mono_ms() - gone_ms : 0,
		.resyncs = atomic_load(&steward->resyncs),
		.idle_ms = clock_mono_ms() - atomic_load(&steward->seen_ms),
	};
	/* A lease that has run out is over at once, also before the thread has come to look. */
	if (ret_counts->role == STEWARD_ACTIVE && !delivery_is_allowed(steward->options.delivery))
		ret_counts->role = STEWARD_STANDBY;
	pthread_mutex_lock(&steward->lock);
	if (steward->watching) {
		ret_counts->informers = watching_counts(steward->watching);
		ret_counts->cache = kube_cache_size(watching_cache(steward->watching));
	}
	pthread_mutex_unlock(&steward->lock);
}
