/*
 * GET with watch: the history of a kind as a stream of lines, one change per line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/selector.h"
#include "tests/kubesim/table.h"
#include "tests/kubesim/tree.h"

#define WATCH_TIMEOUT_S 1800 /* without timeoutSeconds */
#define WATCH_BATCH 64       /* changes read under one lock */
#define WATCH_TICK_MS 250    /* poll interval for a disconnected client */
#define WATCH_LINES_MAX ((size_t)256 << 20)

struct watch {
	struct sim *sim;
	struct sim_request *request;
	struct sim_target target;
	struct sim_selector selector;
	struct buf lines; /* made, not sent yet */
	size_t sent;      /* of lines */
	struct sim_cursor cursor;
	int64_t end_ms;
	int64_t bookmark_ms; /* when the next one is due; INT64_MAX: none */
	bool ending;         /* send existing objects, then end */
	bool table;          /* the client requests rows of a table */
	bool broken;         /* end by a connection reset */
	bool silent;         /* a fault: send nothing until the faults are removed, then disconnect */
	int silent_since;    /* the number of removals of faults at that time */
	size_t piece_bytes;  /* a fault: bytes per write; 0: no limit */
	int64_t piece_ms;    /* and the pause before each */
};

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static const char *const change_names[] = {
	[SIM_ADDED] = "ADDED",
	[SIM_MODIFIED] = "MODIFIED",
	[SIM_DELETED] = "DELETED",
};

static void add_line(struct watch *w, enum sim_change change, struct sim_object *object, uint64_t version)
{
	buf_addf(&w->lines, "{\"type\":\"%s\",\"object\":", change_names[change]);
	if (w->table)
		sim_table_write(&w->lines, object->kind, &object, 1, "{}");
	else
		sim_object_write(object, version, false, &w->lines);
	buf_add_str(&w->lines, "}\n");
}

/* initial_end: all initial objects were sent. */
static void add_bookmark(struct watch *w, bool initial_end)
{
	const struct sim_kind *kind = w->target.kind;

	buf_addf(&w->lines,
		 "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{"
		 "\"resourceVersion\":\"%" PRIu64 "\"%s}}}\n",
		 kind->kind, kind->api_version, w->cursor.version,
		 initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
	w->bookmark_ms = clock_mono_ms() + w->sim->options.bookmark_ms;
}

static void add_error(struct watch *w, const struct sim_status *status, const char *message)
{
	buf_add_str(&w->lines, "{\"type\":\"ERROR\",\"object\":");
	sim_status_write(&w->lines, status, message);
	buf_add_str(&w->lines, "}\n");
	w->ending = true;
}

static void add_too_old(struct watch *w)
{
	char message[128];

	snprintf(message, sizeof(message), "too old resource version: %" PRIu64, w->cursor.version);
	add_error(w, &(struct sim_status){ .code = 410, .reason = "Expired" }, message);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static bool next_fault(struct watch *w, enum sim_stage stage, size_t *cursor, struct sim_fault *ret)
{
	struct sim_occasion occasion = {
		.stage = stage, .method = "GET", .path = w->request->path, .target = &w->target
	};

	return sim_faults_take(w->sim->faults, &occasion, cursor, ret);
}

/* The line of the object with an annotation of this many MiB. */
static void add_padded_line(struct watch *w, enum sim_change change, const struct sim_object *object, uint64_t version,
			    int64_t mib)
{
	cleanup_object struct sim_object *larger = NULL;
	cleanup_json cJSON *tree = sim_object_tree(object);
	size_t len = (size_t)mib << 20;
	cleanup_free char *padding = malloc(len + 1);

	if (!tree || !padding)
		return;
	memset(padding, 'x', len);
	padding[len] = '\0';
	sim_tree_set_string(sim_tree_child(json_get(tree, "metadata"), "annotations"), "kubesim/padding", padding);
	larger = sim_object_create(object->kind, tree);
	if (larger)
		add_line(w, change, larger, version);
}

/* Write a change, subject to the current faults. */
static void add_change(struct watch *w, enum sim_change change, struct sim_object *object, uint64_t version)
{
	struct sim_fault fault;
	size_t start = w->lines.len;
	size_t cursor = 0;

	add_line(w, change, object, version);
	while (!w->ending && next_fault(w, STAGE_EVENT, &cursor, &fault)) {
		if (fault.action == ACTION_EVENT_DUPLICATE)
			add_line(w, SIM_ADDED, object, version);
		if (fault.action == ACTION_EVENT_PAD) {
			buf_truncate(&w->lines, start);
			add_padded_line(w, change, object, version, fault.mib);
		}
		if (fault.action == ACTION_EVENT_CUT) {
			buf_truncate(&w->lines, start + (w->lines.len - start) / 2);
			w->broken = fault.broken;
			w->ending = true;
		}
	}
}

/* Faults of the watch itself. */
static void suffer(struct watch *w)
{
	struct sim_fault fault;
	size_t cursor = 0;

	while (!w->ending && next_fault(w, STAGE_STREAM, &cursor, &fault)) {
		if (fault.action == ACTION_WATCH_SILENT) {
			w->silent = true;
			w->silent_since = sim_faults_times_cleared(w->sim->faults);
		}
		if (fault.action == ACTION_WATCH_ERROR) {
			struct sim_status status = sim_fault_status(&fault);

			add_error(w, &status, fault.message);
		}
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

/* ---- changes seen by the watch ----------------------------------------------------------------------------------- */

static bool sees(const struct watch *w, const struct sim_object *o)
{
	return o && (!w->target.ns[0] || strcmp(w->target.ns, o->ns) == 0) && sim_selector_matches(&w->selector, o);
}

/* An object that starts to match is ADDED, one that no longer matches is DELETED in its last matching state. */
static void add_event(struct watch *w, const struct sim_event *e)
{
	bool before = sees(w, e->before);
	bool now = e->change != SIM_DELETED && sees(w, e->object);

	if (now)
		add_change(w, before ? SIM_MODIFIED : SIM_ADDED, e->object, e->version);
	else if (before)
		add_change(w, SIM_DELETED, e->before, e->version);
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

/* Generate lines from new changes, with a short wait. */
static void read_history(struct watch *w, int64_t wait_ms)
{
	struct sim_event events[WATCH_BATCH];
	int count = sim_history_read(w->sim->store, &w->cursor, events, WATCH_BATCH, wait_ms);

	if (count < 0)
		add_too_old(w);
	for (int i = 0; i < count; i++) {
		if (!w->ending)
			add_event(w, &events[i]);
		sim_event_clear(&events[i]);
	}
}

/* Produce the next lines, or none after a short wait. */
static void fill(struct watch *w)
{
	int64_t now_ms = clock_mono_ms();
	int64_t wait_ms = WATCH_TICK_MS;

	suffer(w);
	if (w->ending)
		return;
	if (w->silent && sim_faults_times_cleared(w->sim->faults) != w->silent_since) {
		w->broken = true;
		w->ending = true;
	} else if (w->silent) {
		clock_sleep_ms(WATCH_TICK_MS);
	} else if (now_ms >= w->end_ms) {
		w->ending = true;
	} else if (now_ms >= w->bookmark_ms) {
		add_bookmark(w, false);
	} else {
		wait_ms = w->end_ms - now_ms < wait_ms ? w->end_ms - now_ms : wait_ms;
		read_history(w, w->bookmark_ms - now_ms < wait_ms ? w->bookmark_ms - now_ms : wait_ms);
	}
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
		clock_sleep_ms(w->piece_ms);
	}
	memcpy(out, w->lines.data + w->sent, n);
	w->sent += n;
	return (ssize_t)n;
}

static void destroy_watch(void *ctx)
{
	struct watch *w = ctx;

	buf_clear(&w->lines);
	free(w);
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

/* All objects as ADDED, and the version after them. */
static void begin_with_list(struct watch *w)
{
	struct sim_list_query query = { .kind = w->target.kind, .ns = w->target.ns, .selector = &w->selector };
	struct sim_list list = { 0 };

	if (sim_store_list(w->sim->store, &query, &list)) {
		w->ending = true;
		return;
	}
	for (size_t i = 0; i < list.count && !w->ending; i++)
		add_change(w, SIM_ADDED, list.objects[i], list.objects[i]->version);
	w->cursor.version = list.version;
	sim_list_clear(&list);
}

static void begin(struct watch *w, const struct sim_request *rq, int64_t version)
{
	bool bookmarks = sim_request_flag(rq, "allowWatchBookmarks");
	bool with_list = version == 0 || sim_request_flag(rq, "sendInitialEvents");

	w->cursor = (struct sim_cursor){ .kind = w->target.kind, .version = (uint64_t)version };
	w->bookmark_ms = bookmarks ? clock_mono_ms() + w->sim->options.bookmark_ms : INT64_MAX;
	if (with_list)
		begin_with_list(w);
	if (!w->ending && sim_history_seek(w->sim->store, &w->cursor))
		add_too_old(w);
	else if (!w->ending && with_list && bookmarks)
		add_bookmark(w, true);
}

void sim_watch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	struct sim_selector selector;
	int64_t timeout_s = WATCH_TIMEOUT_S;
	int64_t version = 0;
	struct watch *w;
	struct error err;

	if (sim_request_int(rq, "timeoutSeconds", &timeout_s, &err) ||
	    sim_request_int(rq, "resourceVersion", &version, &err) || sim_selector_of(rq, t->kind, &selector, &err)) {
		sim_answer_unreadable(rs, &err);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
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
		.end_ms = clock_mono_ms() + timeout_s * 1000,
	};
	begin(w, rq, version);
	rs->status = 200;
	rs->stream = (struct sim_stream){ .read = read_watch, .destroy = destroy_watch, .ctx = w };
}
