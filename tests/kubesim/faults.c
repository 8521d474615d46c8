#include "tests/kubesim/faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

#define FAULTS_MAX 64 /* ordered at the same time */

/* Which occasions a fault waits for; empty texts and -1 mean any. */
struct match {
	char method[16];
	char path[FAULT_TEXT_MAX]; /* prefix */
	char resource[64];
	char subresource[64];
	char verb[32];
	char ns[FAULT_TEXT_MAX];
	char name[FAULT_TEXT_MAX];
	int watch; /* -1: any */
};

struct entry {
	bool used;
	struct match match;
	enum sim_stage stage;
	int64_t skip;
	int64_t count; /* -1: until it is deleted */
	int64_t struck;
	struct sim_fault fault;
};

struct sim_faults {
	atomic_int active;
	pthread_mutex_t lock;
	struct entry entries[FAULTS_MAX];
};

/* clang-format off */
static const struct action_row {
	const char *name;
	enum sim_fault_action action;
	enum sim_stage stage;
	bool can_be_after; /* "when": "after" */
} actions[] = {
	{ "latency", ACTION_LATENCY, STAGE_BEFORE, true },
	{ "status", ACTION_STATUS, STAGE_BEFORE, true },
	{ "drop", ACTION_DROP, STAGE_BEFORE, true },
	{ "hang", ACTION_HANG, STAGE_BEFORE, true },
	{ "forbidden", ACTION_FORBIDDEN, STAGE_BEFORE, false },
	{ "slow-body", ACTION_SLOW_BODY, STAGE_BODY, false },
	{ "quota", ACTION_QUOTA, STAGE_CREATE, false },
	{ "watch-error", ACTION_WATCH_ERROR, STAGE_STREAM, false },
	{ "watch-eof", ACTION_WATCH_EOF, STAGE_STREAM, false },
	{ "watch-silent", ACTION_WATCH_SILENT, STAGE_STREAM, false },
	{ "watch-chunk", ACTION_WATCH_CHUNK, STAGE_STREAM, false },
	{ "event-duplicate", ACTION_EVENT_DUPLICATE, STAGE_EVENT, false },
	{ "event-pad", ACTION_EVENT_PAD, STAGE_EVENT, false },
	{ "event-cut", ACTION_EVENT_CUT, STAGE_EVENT, false },
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

/* ---- orders ------------------------------------------------------------------------------------------------------ */

static void copy_text(const cJSON *json, const char *key, char *out, size_t size)
{
	const cJSON *value = json_get(json, key);

	if (cJSON_IsString(value))
		snprintf(out, size, "%s", value->valuestring);
	else if (cJSON_IsNumber(value))
		snprintf(out, size, "%.15g", value->valuedouble);
	else
		out[0] = '\0';
}

static void read_match(const cJSON *json, struct match *m)
{
	const cJSON *watch = json_get(json, "watch");

	copy_text(json, "method", m->method, sizeof(m->method));
	copy_text(json, "path", m->path, sizeof(m->path));
	copy_text(json, "resource", m->resource, sizeof(m->resource));
	copy_text(json, "subresource", m->subresource, sizeof(m->subresource));
	copy_text(json, "verb", m->verb, sizeof(m->verb));
	copy_text(json, "namespace", m->ns, sizeof(m->ns));
	copy_text(json, "name", m->name, sizeof(m->name));
	m->watch = cJSON_IsBool(watch) ? cJSON_IsTrue(watch) : -1;
}

static void read_fault(const cJSON *json, const struct action_row *row, struct entry *e)
{
	struct sim_fault *fault = &e->fault;
	char when[16];

	copy_text(json, "when", when, sizeof(when));
	e->stage = row->can_be_after && str_equal(when, "after") ? STAGE_AFTER : row->stage;
	e->count = json_int_at(json, "count", 1);
	e->skip = json_int_at(json, "skip", 0);
	fault->action = row->action;
	fault->ms = json_int_at(json, "ms", 0);
	fault->status = json_int_at(json, "status", row->action == ACTION_WATCH_ERROR ? 410 : 500);
	fault->bytes = json_int_at(json, "bytes", 1);
	fault->mib = json_int_at(json, "mib", 1);
	fault->limit = json_int_at(json, "limit", 0);
	fault->html = json_true_at(json, "html");
	fault->broken = json_true_at(json, "broken");
	copy_text(json, "retryAfter", fault->retry_after, sizeof(fault->retry_after));
	copy_text(json, "reason", fault->reason, sizeof(fault->reason));
	copy_text(json, "message", fault->message, sizeof(fault->message));
	copy_text(json, "name", fault->name, sizeof(fault->name));
}

static const struct action_row *find_action(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
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
		f->entries[i] = (struct entry){ .used = true };
		read_match(json_get(json, "match"), &f->entries[i].match);
		read_fault(json, row, &f->entries[i]);
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
	pthread_mutex_unlock(&f->lock);
}

static const char *action_name(const struct entry *e)
{
	size_t i = 0;

	while (actions[i].action != e->fault.action)
		i++;
	return actions[i].name;
}

void sim_faults_write(struct sim_faults *f, struct json_writer *w, const char *key)
{
	json_begin_array(w, key);
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < FAULTS_MAX; i++) {
		const struct entry *e = &f->entries[i];

		if (!e->used)
			continue;
		json_begin_object(w, NULL);
		json_string(w, "kind", action_name(e));
		json_int(w, "count", e->count);
		json_int(w, "skip", e->skip);
		json_int(w, "struck", e->struck);
		json_end_object(w);
	}
	pthread_mutex_unlock(&f->lock);
	json_end_array(w);
}

/* ---- striking ---------------------------------------------------------------------------------------------------- */

/* An empty pattern matches everything. */
static bool text_matches(const char *pattern, const char *text)
{
	return !pattern[0] || str_equal(pattern, text);
}

static bool matches(const struct match *m, const struct sim_occasion *o)
{
	const struct sim_target *t = o->target;

	if (!text_matches(m->method, o->method) || !str_has_prefix(o->path, m->path))
		return false;
	if (!t)
		return !m->resource[0] && !m->verb[0] && !m->ns[0] && !m->name[0] && m->watch < 1;
	return text_matches(m->resource, t->kind->plural) && text_matches(m->subresource, t->subresource) &&
	       text_matches(m->verb, t->verb) && text_matches(m->ns, t->ns) && text_matches(m->name, t->name) &&
	       (m->watch < 0 || m->watch == str_equal(t->verb, "watch"));
}

/* Count one match. False: it is still to be skipped. */
static bool strike_locked(struct sim_faults *f, struct entry *e)
{
	if (e->skip > 0) {
		e->skip--;
		return false;
	}
	e->struck++;
	if (e->count > 0 && --e->count == 0) {
		e->used = false;
		atomic_fetch_sub(&f->active, 1);
	}
	return true;
}

bool sim_faults_take(struct sim_faults *f, const struct sim_occasion *occasion, size_t *cursor, struct sim_fault *ret)
{
	bool found = false;

	if (atomic_load_explicit(&f->active, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&f->lock);
	while (!found && *cursor < FAULTS_MAX) {
		struct entry *e = &f->entries[(*cursor)++];

		if (!e->used || e->stage != occasion->stage || !matches(&e->match, occasion))
			continue;
		*ret = e->fault;
		found = strike_locked(f, e);
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

bool sim_faults_refuse(struct sim *sim, const struct sim_kind *kind, const char *ns, const char *name, char *message,
		       size_t size)
{
	struct sim_target target = { .kind = kind, .verb = "create" };
	struct sim_occasion occasion = { .stage = STAGE_CREATE, .method = "POST", .path = "", .target = &target };
	struct sim_fault fault;
	size_t cursor = 0;

	snprintf(target.ns, sizeof(target.ns), "%s", ns);
	while (sim_faults_take(sim->faults, &occasion, &cursor, &fault)) {
		struct sim_list_query query = { .kind = kind, .ns = ns };
		struct sim_list list = { 0 };
		long long used = 0;

		if (sim_store_list(sim->store, &query, &list) == RC_OK)
			used = (long long)list.count;
		sim_list_clear(&list);
		if (used < fault.limit)
			continue;
		snprintf(message, size,
			 "%s \"%s\" is forbidden: exceeded quota: %s, requested: %s=1, used: %s=%lld, limited: %s=%lld",
			 kind->resource, name, fault.name[0] ? fault.name : "quota", kind->plural, kind->plural, used,
			 kind->plural, (long long)fault.limit);
		return true;
	}
	return false;
}
