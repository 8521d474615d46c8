/*
 * GET with watch: the history of a kind as a stream of lines, one change a line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/counters.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/params.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/table.h"
#include "tests/kubesim/tree.h"

#define WATCH_TIMEOUT_MIN_S 1800 /* without timeoutSeconds: so long, up to twice as long */
#define WATCH_BATCH 64           /* changes read under one lock */
#define WATCH_TICK_MS 250        /* how soon a watch notices that its client is gone */
#define WATCH_LINES_MAX ((size_t)256 << 20)

struct watch {
	struct sim *sim;
	struct sim_request *request;
	struct sim_target target;
	struct sim_selector *selector;
	struct buf lines; /* made, not sent yet */
	size_t sent;      /* of lines */
	uint64_t position;
	uint64_t version; /* up to here the client has been told everything */
	int64_t end_ms;
	int64_t bookmark_ms; /* when the next one is due; INT64_MAX: none are wanted */
	bool ending;         /* send what is there, then end */
	bool table;          /* the client wants rows of a table */
	bool broken;         /* end by breaking the connection */
	bool silent;         /* a fault: never say anything again */
	size_t piece_bytes;  /* a fault: send so little at a time; 0: as much as there is */
	int64_t piece_ms;    /* and wait so long before each */
};

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static const char *const change_names[] = {
	[SIM_ADDED] = "ADDED",
	[SIM_MODIFIED] = "MODIFIED",
	[SIM_DELETED] = "DELETED",
};

static void add_line(struct watch *w, enum sim_change change, const struct sim_object *object)
{
	struct sim_object *row = (struct sim_object *)(uintptr_t)object;

	buf_addf(&w->lines, "{\"type\":\"%s\",\"object\":", change_names[change]);
	if (w->table)
		sim_table_write(&w->lines, object->kind, &row, 1, "{}");
	else
		buf_add(&w->lines, object->text, object->text_len);
	buf_add_str(&w->lines, "}\n");
}

static void add_bookmark(struct watch *w, bool initial_end)
{
	const struct sim_kind *k = w->target.kind;

	buf_addf(&w->lines,
		 "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\",\"metadata\":{"
		 "\"resourceVersion\":\"%" PRIu64 "\"%s}%s}}\n",
		 k->kind, k->group, k->group[0] ? "/" : "", k->version, w->version,
		 initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "", k->empty);
}

static void add_error(struct watch *w, unsigned code, const char *reason, const char *message)
{
	buf_add_str(&w->lines, "{\"type\":\"ERROR\",\"object\":");
	sim_status_write(&w->lines, code, reason, message, NULL);
	buf_add_str(&w->lines, "}\n");
	w->ending = true;
}

static void add_too_old(struct watch *w, uint64_t asked, uint64_t oldest)
{
	char message[128];

	snprintf(message, sizeof(message), "too old resource version: %" PRIu64 " (%" PRIu64 ")", asked, oldest);
	add_error(w, 410, "Expired", message);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static bool next_fault(struct watch *w, enum sim_stage stage, size_t *cursor, struct sim_fault *ret)
{
	struct sim_occasion occasion = {
		.stage = stage, .method = "GET", .path = w->request->path, .target = &w->target
	};

	return sim_faults_take(w->sim->faults, &occasion, cursor, ret);
}

/* The object with an annotation of so many MiB. */
static struct sim_object *padded(const struct sim_object *object, int64_t mib)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	size_t len = (size_t)mib << 20;
	cleanup_free char *padding = malloc(len + 1);

	if (!tree || !padding)
		return NULL;
	memset(padding, 'x', len);
	padding[len] = '\0';
	sim_tree_set_string(sim_tree_child(json_get(tree, "metadata"), "annotations"), "kubesim/padding", padding);
	return sim_object_create(object->kind, tree, object->version);
}

/* Write a change as the faults of this moment will have it. */
static void add_change(struct watch *w, enum sim_change change, const struct sim_object *object)
{
	cleanup_object struct sim_object *larger = NULL;
	struct sim_fault fault;
	size_t start = w->lines.len;
	size_t cursor = 0;

	add_line(w, change, object);
	while (next_fault(w, STAGE_EVENT, &cursor, &fault)) {
		buf_truncate(&w->lines, start);
		if (fault.action == ACTION_EVENT_PAD && (larger = padded(object, fault.mib)) != NULL)
			object = larger;
		add_line(w, change, object);
		if (fault.action == ACTION_EVENT_DUPLICATE)
			add_line(w, SIM_ADDED, object);
		if (fault.action == ACTION_EVENT_CUT) {
			buf_truncate(&w->lines, start + (w->lines.len - start) / 2);
			w->broken = fault.broken;
			w->ending = true;
			return;
		}
		if (larger)
			return; /* one padding is enough, and the object is ours no longer than this */
	}
}

/* Faults that strike the watch itself. */
static void suffer(struct watch *w)
{
	struct sim_fault fault;
	size_t cursor = 0;
	const char *reason;
	const char *message;

	while (!w->ending && next_fault(w, STAGE_STREAM, &cursor, &fault)) {
		sim_fault_words(&fault, &reason, &message);
		w->silent = w->silent || fault.action == ACTION_WATCH_SILENT;
		if (fault.action == ACTION_WATCH_ERROR)
			add_error(w, (unsigned)fault.status, reason, message);
		if (fault.action == ACTION_WATCH_EOF) {
			w->broken = fault.broken;
			w->ending = true;
		}
		if (fault.action == ACTION_WATCH_CHUNK) {
			w->piece_bytes = (size_t)fault.bytes;
			w->piece_ms = fault.ms;
		}
	}
}

/* ---- changes as this watch sees them ----------------------------------------------------------------------------- */

static bool sees(const struct watch *w, const struct sim_object *o)
{
	size_t ns_len = strlen(w->target.ns);

	if (!o)
		return false;
	if (ns_len && (o->namespace_len != ns_len || memcmp(o->key, w->target.ns, ns_len) != 0))
		return false;
	return sim_selector_matches(w->selector, o);
}

/* An object that begins to match is ADDED, one that no longer matches is DELETED in its last matching state. */
static void add_event(struct watch *w, const struct sim_event *e)
{
	bool before = sees(w, e->before);
	bool now = e->change != SIM_DELETED && sees(w, e->object);
	cleanup_object struct sim_object *last = NULL;

	if (now) {
		add_change(w, before ? SIM_MODIFIED : SIM_ADDED, e->object);
	} else if (before) {
		last = sim_object_renumber(e->before, e->object->version);
		if (last)
			add_change(w, SIM_DELETED, last);
	}
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

/* Make lines of what has happened, waiting a little for it. */
static void read_history(struct watch *w, int64_t wait_ms)
{
	struct sim_event events[WATCH_BATCH];
	uint64_t head = w->version;
	int count = sim_history_read(w->sim->store, w->target.kind, &w->position, events, WATCH_BATCH, wait_ms, &head);

	if (count < 0) {
		add_too_old(w, w->version, sim_store_version(w->sim->store));
		return;
	}
	for (int i = 0; i < count; i++) {
		w->version = events[i].object->version;
		if (!w->ending)
			add_event(w, &events[i]);
		sim_event_clear(&events[i]);
	}
	if (count < WATCH_BATCH)
		w->version = head;
}

static void fill(struct watch *w)
{
	int64_t now_ms = clock_mono_ms();
	int64_t wait_ms = w->end_ms - now_ms;

	suffer(w);
	if (w->ending)
		return;
	if (w->silent) {
		(void)sim_request_pause(w->request, WATCH_TICK_MS); /* whether the client is gone is asked next */
		return;
	}
	if (wait_ms <= 0) {
		if (w->bookmark_ms != INT64_MAX)
			add_bookmark(w, false);
		w->ending = true;
		return;
	}
	if (now_ms >= w->bookmark_ms) {
		add_bookmark(w, false);
		w->bookmark_ms = now_ms + w->sim->options.bookmark_ms;
		return;
	}
	if (wait_ms > w->bookmark_ms - now_ms)
		wait_ms = w->bookmark_ms - now_ms;
	read_history(w, wait_ms < WATCH_TICK_MS ? wait_ms : WATCH_TICK_MS);
}

static ssize_t read_watch(void *ctx, char *out, size_t max)
{
	struct watch *w = ctx;
	size_t n;

	while (w->sent == w->lines.len) {
		w->sent = 0;
		buf_reset(&w->lines);
		if (w->ending)
			return w->broken ? -1 : 0;
		if (sim_request_gone(w->request) || sim_store_stopped(w->sim->store))
			return -1;
		fill(w);
	}
	n = w->lines.len - w->sent;
	n = n < max ? n : max;
	if (w->piece_bytes) {
		n = n < w->piece_bytes ? n : w->piece_bytes;
		if (w->piece_ms && !sim_request_pause(w->request, w->piece_ms))
			return -1;
	}
	memcpy(out, w->lines.data + w->sent, n);
	w->sent += n;
	return (ssize_t)n;
}

static void destroy_watch(void *ctx)
{
	struct watch *w = ctx;

	sim_counters_watching(w->sim->counters, -1);
	sim_selector_destroy(w->selector);
	buf_clear(&w->lines);
	free(w);
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

/* All objects as ADDED, and the place in the history behind them. */
static void begin_with_list(struct watch *w)
{
	struct sim_list_query query = { .kind = w->target.kind, .ns = w->target.ns, .selector = w->selector };
	struct sim_list list = { 0 };
	uint64_t oldest = 0;

	if (sim_store_list(w->sim->store, &query, &list)) {
		add_error(w, 500, "InternalError", "out of memory");
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		add_change(w, SIM_ADDED, list.objects[i]);
	w->version = list.version;
	sim_list_clear(&list);
	if (sim_history_seek(w->sim->store, w->target.kind, w->version, &w->position, &oldest))
		add_too_old(w, w->version, oldest);
}

static void begin(struct watch *w, uint64_t version, bool wants_list)
{
	uint64_t oldest = 0;

	w->version = version;
	if (wants_list)
		begin_with_list(w);
	else if (sim_history_seek(w->sim->store, w->target.kind, version, &w->position, &oldest))
		add_too_old(w, version, oldest);
}

static void set_times(struct watch *w, const struct sim_request *rq, int64_t timeout_s)
{
	if (timeout_s <= 0)
		timeout_s = WATCH_TIMEOUT_MIN_S + random_below(WATCH_TIMEOUT_MIN_S);
	w->end_ms = clock_mono_ms() + timeout_s * 1000;
	w->bookmark_ms = INT64_MAX;
	if (str_equal(sim_request_query(rq, "allowWatchBookmarks"), "true") ||
	    str_equal(sim_request_query(rq, "allowWatchBookmarks"), "1"))
		w->bookmark_ms = clock_mono_ms() + w->sim->options.bookmark_ms;
}

void sim_watch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	const char *version_text = sim_request_query(rq, "resourceVersion");
	bool initial = str_equal(sim_request_query(rq, "sendInitialEvents"), "true");
	struct sim_selector *selector = NULL;
	struct watch *w;
	uint64_t version = 0;
	int64_t timeout_s = 0;

	if (!sim_param_int(rq, rs, "timeoutSeconds", &timeout_s) || !sim_params_check_match(rq, rs, true))
		return;
	if (!sim_param_version(rq, rs, &version)) {
		sim_answer_status(
			rs, 500, "", NULL,
			"resourceVersion: Invalid value: \"%s\": strconv.ParseUint: parsing \"%s\": invalid syntax",
			version_text, version_text);
		return;
	}
	if (!sim_params_selector(rq, rs, t->kind, &selector))
		return;
	w = calloc(1, sizeof(*w));
	if (!w) {
		sim_selector_destroy(selector);
		sim_answer_internal(rs, "out of memory");
		return;
	}
	*w = (struct watch){
		.sim = sim,
		.request = rq,
		.target = *t,
		.selector = selector,
		.table = sim_table_wanted(rq->accept),
		.lines = buf_make(WATCH_LINES_MAX),
	};
	sim_counters_watching(sim->counters, 1);
	set_times(w, rq, timeout_s);
	begin(w, version, initial || version == 0);
	if (!w->ending && (initial || version == 0) && w->bookmark_ms != INT64_MAX)
		add_bookmark(w, true);
	rs->status = 200;
	rs->stream = (struct sim_stream){ .read = read_watch, .destroy = destroy_watch, .ctx = w };
}
