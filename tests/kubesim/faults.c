#include "tests/kubesim/faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

#define FAULTS_MAX 64 /* ordered at the same time */

/* Conditions of a fault; empty strings match everything. */
struct match {
	char method[16];
	char path[256]; /* prefix */
	char resource[64];
	char verb[16];
};

struct entry {
	bool used;
	struct match match;
	enum sim_stage stage;
	int64_t count; /* -1: until it is deleted */
	struct sim_fault fault;
};

struct sim_faults {
	atomic_int active;
	atomic_int times_cleared;
	pthread_mutex_t lock;
	struct entry entries[FAULTS_MAX];
};

/* clang-format off */
static const struct action_row {
	const char *name;
	enum sim_fault_action action;
	enum sim_stage stage;
} actions[] = {
	{ "latency", ACTION_LATENCY, STAGE_BEFORE },
	{ "status", ACTION_STATUS, STAGE_BEFORE },
	{ "drop", ACTION_DROP, STAGE_BEFORE },
	{ "hang", ACTION_HANG, STAGE_BEFORE },
	{ "forbidden", ACTION_FORBIDDEN, STAGE_BEFORE },
	{ "slow-body", ACTION_SLOW_BODY, STAGE_BODY },
	{ "quota", ACTION_QUOTA, STAGE_CREATE },
	{ "watch-error", ACTION_WATCH_ERROR, STAGE_STREAM },
	{ "watch-eof", ACTION_WATCH_EOF, STAGE_STREAM },
	{ "watch-silent", ACTION_WATCH_SILENT, STAGE_STREAM },
	{ "watch-chunk", ACTION_WATCH_CHUNK, STAGE_STREAM },
	{ "event-duplicate", ACTION_EVENT_DUPLICATE, STAGE_EVENT },
	{ "event-pad", ACTION_EVENT_PAD, STAGE_EVENT },
	{ "event-cut", ACTION_EVENT_CUT, STAGE_EVENT },
};
/* clang-format on */

struct sim_faults *sim_faults_create(void)
{
	struct sim_faults *f = calloc(1, sizeof(*f));

	if (f) {
		atomic_init(&f->active, 0);
		pthread_mutex_init(&f->lock, NULL);
	}
	return f;
}

void sim_faults_destroy(struct sim_faults *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static void copy_text(const cJSON *json, const char *key, char *out, size_t size)
{
	const char *text = json_string_at(json, key);

	if (text)
		snprintf(out, size, "%s", text);
}

/* A number, or a text with a number. */
static int64_t read_seconds(const cJSON *value)
{
	int64_t seconds = 0;

	if (!json_is_int(value, &seconds) && cJSON_IsString(value) && !str_parse_int64(value->valuestring, &seconds))
		return 0;
	return seconds;
}

static struct entry read_entry(const cJSON *json, const struct action_row *row)
{
	const cJSON *match = json_get(json, "match");
	bool after = row->stage == STAGE_BEFORE && str_equal(json_string_at(json, "when"), "after");
	int64_t usual_status = row->action == ACTION_WATCH_ERROR ? 410 : 500;
	struct entry e = {
		.used = true,
		.stage = after ? STAGE_AFTER : row->stage,
		.count = json_int_at(json, "count", 1),
		.fault = { .action = row->action,
			   .ms = json_int_at(json, "ms", 0),
			   .status = json_int_at(json, "status", usual_status),
			   .bytes = json_int_at(json, "bytes", 1),
			   .mib = json_int_at(json, "mib", 1),
			   .retry_after_s = read_seconds(json_get(json, "retryAfter")),
			   .html = json_true_at(json, "html"),
			   .broken = json_true_at(json, "broken") },
	};

	snprintf(e.fault.message, sizeof(e.fault.message), "simulated");
	copy_text(json, "message", e.fault.message, sizeof(e.fault.message));
	copy_text(match, "method", e.match.method, sizeof(e.match.method));
	copy_text(match, "path", e.match.path, sizeof(e.match.path));
	copy_text(match, "resource", e.match.resource, sizeof(e.match.resource));
	copy_text(match, "verb", e.match.verb, sizeof(e.match.verb));
	return e;
}

static const struct action_row *find_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (str_equal(actions[i].name, name))
			return &actions[i];
	return NULL;
}

enum rc sim_faults_add(struct sim_faults *f, const cJSON *json, struct error *err)
{
	const struct action_row *row = find_action(json_string_at(json, "kind"));
	size_t i = 0;

	if (!row)
		return error_set(err, RC_INVALID_ARGUMENT, "a fault needs a kind that is known");
	if (json_int_at(json, "bytes", 1) < 1 || json_int_at(json, "mib", 1) < 0 || json_int_at(json, "ms", 0) < 0)
		return error_set(err, RC_INVALID_ARGUMENT, "bytes, mib and ms must be positive");
	pthread_mutex_lock(&f->lock);
	while (i < FAULTS_MAX && f->entries[i].used)
		i++;
	if (i < FAULTS_MAX) {
		f->entries[i] = read_entry(json, row);
		atomic_fetch_add(&f->active, 1);
	}
	pthread_mutex_unlock(&f->lock);
	return i < FAULTS_MAX ? RC_OK : error_set(err, RC_INVALID_ARGUMENT, "more than %d faults", FAULTS_MAX);
}

void sim_faults_clear(struct sim_faults *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < FAULTS_MAX; i++)
		f->entries[i].used = false;
	atomic_store(&f->active, 0);
	atomic_fetch_add(&f->times_cleared, 1);
	pthread_mutex_unlock(&f->lock);
}

int sim_faults_times_cleared(const struct sim_faults *f)
{
	return atomic_load(&f->times_cleared);
}

int sim_faults_count(const struct sim_faults *f)
{
	return atomic_load(&f->active);
}

/* ---- matching ---------------------------------------------------------------------------------------------------- */

/* An empty pattern matches everything. */
static bool text_matches(const char *pattern, const char *text)
{
	return !pattern[0] || str_equal(pattern, text);
}

static bool matches(const struct match *m, const struct sim_occasion *o)
{
	return text_matches(m->method, o->method) && str_has_prefix(o->path, m->path) &&
	       (text_matches(m->resource, o->target ? o->target->kind->plural : NULL) ||
		(o->target && str_equal(m->resource, o->target->resource))) && /* with its subresource */
	       text_matches(m->verb, o->target ? o->target->verb : NULL);
}

static void count_down_locked(struct sim_faults *f, struct entry *e)
{
	if (e->count > 0 && --e->count == 0) {
		e->used = false;
		atomic_fetch_sub(&f->active, 1);
	}
}

bool sim_faults_take(struct sim_faults *f, const struct sim_occasion *occasion, size_t *cursor, struct sim_fault *ret)
{
	bool found = false;

	if (atomic_load_explicit(&f->active, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&f->lock);
	while (!found && *cursor < FAULTS_MAX) {
		struct entry *e = &f->entries[(*cursor)++];

		found = e->used && e->stage == occasion->stage && matches(&e->match, occasion);
		if (found) {
			*ret = e->fault;
			count_down_locked(f, e);
		}
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

bool sim_faults_refuse(struct sim *sim, const struct sim_kind *kind, const char *name, char message[SIM_REFUSAL_MAX])
{
	struct sim_target target = { .kind = kind, .verb = "create" };
	struct sim_occasion occasion = { .stage = STAGE_CREATE, .method = "POST", .path = "", .target = &target };
	struct sim_fault fault;
	size_t cursor = 0;

	if (!sim_faults_take(sim->faults, &occasion, &cursor, &fault))
		return false;
	snprintf(message, SIM_REFUSAL_MAX,
		 "%s \"%s\" is forbidden: exceeded quota: quota, requested: %s=1, used: %s=0, limited: %s=0",
		 kind->resource, name, kind->plural, kind->plural, kind->plural);
	return true;
}

/* ---- responses --------------------------------------------------------------------------------------------------- */

static const struct {
	unsigned code;
	const char *reason;
} usual[] = {
	{ 401, "Unauthorized" },  { 409, "Conflict" },           { 410, "Expired" }, { 429, "TooManyRequests" },
	{ 500, "InternalError" }, { 503, "ServiceUnavailable" }, { 504, "Timeout" },
};

struct sim_status sim_fault_status(const struct sim_fault *fault)
{
	struct sim_status status = { .code = (unsigned)fault->status, .retry_after_s = (int)fault->retry_after_s };

	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (usual[i].code == status.code)
			status.reason = usual[i].reason;
	return status;
}
