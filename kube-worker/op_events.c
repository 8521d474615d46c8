/*
 * events: the Kubernetes events of the container's objects, newest last.
 */
#include "kube-worker/operation/op.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "common/services/json_write.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/list/page_token.h"
#include "kube-worker/operation/op_kube.h"

#define LIST_LIMIT 500
#define EVENTS_MAX 20000 /* per container; Kubernetes counts repeated events */
#define OBJECT_MAX 320   /* bytes of "Pod/name" with its NUL */
#define PATH_TEXT_MAX 384
#define SCOPE_MAX 512

struct event {
	int64_t ms;
	char *name; /* of the Event; texts owned by the list */
	char *time;
	char *type;
	char *reason;
	char *message;
	char *object;
	int64_t count;
};

struct collecting {
	const struct root *root;
	struct kube_uid *uids; /* of the container's objects */
	size_t uid_count;
	struct event *events;
	size_t count;
	size_t capacity;
	bool no_memory;
};

static void clear_event(struct event *event)
{
	free(event->name);
	free(event->time);
	free(event->type);
	free(event->reason);
	free(event->message);
	free(event->object);
}

static void clear_collecting(struct collecting *c)
{
	for (size_t i = 0; i < c->count; i++)
		clear_event(&c->events[i]);
	free(c->events);
	free(c->uids);
}
#define cleanup_collecting cleanup_with(clear_collecting)

/* ---- involved objects -------------------------------------------------------------------------------------------- */

static void add_uid(struct collecting *c, const struct kube_uid *uid)
{
	struct kube_uid *grown = reallocarray(c->uids, c->uid_count + 1, sizeof(*grown));

	if (!grown) {
		c->no_memory = true;
		return;
	}
	c->uids = grown;
	c->uids[c->uid_count++] = *uid;
}

static bool has_uid(const struct collecting *c, const struct kube_uid *uid)
{
	for (size_t i = 0; i < c->uid_count; i++)
		if (kube_uid_equal(&c->uids[i], uid))
			return true;
	return false;
}

/* Objects owned by the root, or by its ReplicaSets, which come first. */
static void take_facts(void *ctx, const struct fact *const *facts, size_t count)
{
	struct collecting *c = ctx;

	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind != KUBE_POD && has_uid(c, &facts[i]->owner))
			add_uid(c, &facts[i]->uid);
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_POD && has_uid(c, &facts[i]->owner))
			add_uid(c, &facts[i]->uid);
}

/* The autoscaler is not watched. */
static enum rc add_autoscaler(struct op_call *call, const char *id, struct collecting *c, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct kube_uid root = kube_uid_parse(root_uid(c->root));
	struct workload_object object;
	struct kube_uid uid;
	enum rc rc = workload_child(WORKLOAD_AUTOSCALER, id, &object, err);

	if (!rc)
		rc = op_kube_get(call, object.kind, object.name, &reply, err);
	if (rc)
		return rc == RC_NOT_FOUND || rc == RC_PERMISSION_DENIED ? RC_OK : rc; /* not allowed by older Roles */
	uid = kube_uid_parse(json_string_at(reply.object, "metadata.uid"));
	if (workload_holder(reply.object, id, &root) == WORKLOAD_HELD_BY_ROOT)
		add_uid(c, &uid);
	return RC_OK;
}

static enum rc find_objects(struct op_call *call, const char *id, struct collecting *c, struct error *err)
{
	const unsigned kinds = workload_status_kinds(c->root->kind) | workload_child_kinds();
	struct container_cache cache cleanup_container_cache = { 0 };
	struct kube_uid root = kube_uid_parse(root_uid(c->root));
	enum rc rc = container_cache_open(call, kinds, id, &cache, err);

	if (rc)
		return rc;
	add_uid(c, &root);
	kube_cache_visit(cache.cache, id, take_facts, c);
	rc = add_autoscaler(call, id, c, err);
	return !rc && c->no_memory ? error_no_memory(err) : rc;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The time of the last occurrence, in different members for events.k8s.io/v1 and the older form. */
static const char *time_of(const cJSON *item)
{
	static const char *const places[] = { "series.lastObservedTime", "lastTimestamp", "eventTime", "firstTimestamp",
					      "metadata.creationTimestamp" };
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(places) && !text; i++)
		text = json_string_at(item, places[i]);
	return text ? text : "";
}

static char *copy_at(const cJSON *item, const char *path)
{
	const char *text = json_string_at(item, path);

	return str_dup(text ? text : "");
}

static bool fill_event(const cJSON *item, struct event *event)
{
	const char *kind = json_string_at(item, "involvedObject.kind");
	const char *name = json_string_at(item, "involvedObject.name");
	char object[OBJECT_MAX];

	snprintf(object, sizeof(object), "%s/%s", kind ? kind : "", name ? name : "");
	*event = (struct event){
		.name = copy_at(item, "metadata.name"),
		.time = str_dup(time_of(item)),
		.type = copy_at(item, "type"),
		.reason = copy_at(item, "reason"),
		.message = copy_at(item, "message"),
		.object = str_dup(object),
		.count = json_int_at(item, "series.count", json_int_at(item, "count", 1)),
	};
	(void)clock_parse_rfc3339(event->time ? event->time : "", &event->ms); /* oldest if it has no time */
	if (event->count < 1)
		event->count = 1;
	return event->name && event->time && event->type && event->reason && event->message && event->object;
}

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct collecting *c = ctx;
	struct kube_uid uid = kube_uid_parse(json_string_at(item, "involvedObject.uid"));
	struct event *grown;

	if (!has_uid(c, &uid))
		return RC_OK;
	if (c->count == EVENTS_MAX)
		return error_set(err, RC_UNAVAILABLE, "the container has more than %d events", EVENTS_MAX);
	if (c->count == c->capacity) {
		grown = reallocarray(c->events, c->capacity * 2 + 16, sizeof(*grown));
		if (!grown)
			return error_no_memory(err);
		c->events = grown;
		c->capacity = c->capacity * 2 + 16;
	}
	if (!fill_event(item, &c->events[c->count])) {
		clear_event(&c->events[c->count]);
		return error_no_memory(err);
	}
	c->count++;
	return RC_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct event *)a)->name, ((const struct event *)b)->name);
}

/* A restarted page repeats events: keep the later duplicate. */
static void drop_repeated(struct collecting *c)
{
	size_t kept = 0;

	qsort(c->events, c->count, sizeof(*c->events), by_name);
	for (size_t i = 1; i < c->count; i++) {
		struct event *last = &c->events[kept];
		struct event *next = &c->events[i];

		if (strcmp(last->name, next->name) != 0) {
			c->events[++kept] = *next;
			continue;
		}
		if (next->ms > last->ms) {
			clear_event(last);
			*last = *next;
		} else {
			clear_event(next);
		}
	}
	c->count = kept + 1;
}

static int newest_last(const void *a, const void *b)
{
	const struct event *x = a;
	const struct event *y = b;

	int order = strcmp(x->time, y->time); /* below a millisecond: the same number of digits */

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	return order ? order : strcmp(x->name, y->name);
}

/* No selector matches the events of several objects: all of the namespace are read, and filtered. */
static enum rc read_events(struct op_call *call, struct collecting *c, struct error *err)
{
	const struct kube_page page = {
		.kind = KUBE_EVENT,
		.namespace = call->env->namespace,
		.selector = "",
		.limit = LIST_LIMIT,
		.deadline_ms = call->deadline_ms,
		.on_item = take_item,
		.ctx = c,
	};
	struct kube_reply nothing = { 0 };
	enum rc rc = kube_list_all(call->kube, &page, NULL, err);

	if (rc == RC_EXPIRED)
		err->rc = RC_UNAVAILABLE; /* not the client's token */
	if (rc)
		return op_kube_translate(call, &nothing, "list the Events", err);
	if (!c->count)
		return RC_OK;
	drop_repeated(c);
	qsort(c->events, c->count, sizeof(*c->events), newest_last);
	return RC_OK;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void write_event(const char *id, const struct event *event, struct json_writer *w)
{
	char path[PATH_TEXT_MAX];

	snprintf(path, sizeof(path), "containers/%s/events/%s", id, event->name);
	json_begin_object(w, NULL);
	json_string(w, "path", path);
	json_string(w, "time", event->time);
	json_string(w, "type", event->type);
	json_string(w, "reason", event->reason);
	json_string(w, "message", event->message);
	json_string(w, "object", event->object);
	json_int(w, "count", event->count);
	json_end_object(w);
}

/*
 * A page begins after the event at the position, identified by time and name, as it may have been deleted. Older
 * workers write the time as milliseconds.
 */
static enum rc read_position(const cJSON *request, const char *scope, struct event *ret_after, struct error *err)
{
	struct page_position position cleanup_page_position = { 0 };
	const char *key;
	enum rc rc = page_token_decode(json_string_at(request, "page_token"), scope, &position, err);

	if (rc || !position.after[0])
		return rc;
	key = cJSON_GetStringValue(cJSON_GetArrayItem(position.keys, 0));
	if (!key)
		return page_token_refuse(err);
	if (!str_parse_int64(key, &ret_after->ms))
		(void)clock_parse_rfc3339(key, &ret_after->ms); /* oldest if it has no time */
	ret_after->time = str_dup(key);
	ret_after->name = TAKE(position.after);
	return ret_after->time ? RC_OK : error_no_memory(err);
}

static enum rc write_token(const struct event *last, const char *scope, struct buf *out, struct error *err)
{
	struct page_position position cleanup_page_position = { 0 };

	position.kube_token = str_dup("");
	position.after = str_dup(last->name);
	position.keys = cJSON_CreateStringArray((const char *const[]){ last->time }, 1);
	if (!position.kube_token || !position.after || !position.keys)
		return error_no_memory(err);
	return page_token_encode(&position, scope, out, err);
}

static enum rc write_page(const cJSON *request, const char *scope, const struct collecting *c, struct buf *result,
			  struct error *err)
{
	struct json_writer w = json_writer_make(result);
	struct buf token cleanup_buf = buf_make(PROTOCOL_REPLY_MAX);
	size_t size = (size_t)json_int_at(request, "max_page_size", PROTOCOL_PAGE_SIZE_DEFAULT);
	struct event after = { .name = NULL };
	size_t at = 0;
	size_t end;
	enum rc rc = read_position(request, scope, &after, err);

	while (!rc && after.name && at < c->count && newest_last(&c->events[at], &after) <= 0)
		at++;
	clear_event(&after);
	if (rc)
		return rc;
	json_begin_object(&w, NULL);
	json_begin_array(&w, "events");
	for (end = at; end < c->count && end - at < size && result->len < PROTOCOL_PAGE_BYTES; end++)
		write_event(json_string_at(request, "id"), &c->events[end], &w);
	json_end_array(&w);
	if (end < c->count)
		rc = write_token(&c->events[end - 1], scope, &token, err);
	json_string(&w, "next_page_token", token.data);
	json_end_object(&w);
	return rc ? rc : buf_check(result, err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct root root cleanup_root = { 0 };
	struct collecting collecting cleanup_collecting = { .root = &root };
	const char *id = json_string_at(request, "id");
	char scope[SCOPE_MAX];
	enum rc rc = container_find(call, id, &root, err);

	snprintf(scope, sizeof(scope), "events/%s/%s/%s", call->env->provider, call->env->namespace, id);
	if (!rc)
		rc = find_objects(call, id, &collecting, err);
	if (!rc)
		rc = read_events(call, &collecting, err);
	return rc ? rc : write_page(request, scope, &collecting, result, err);
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
	{ .name = "max_page_size",
	  .type = request_member_is_int,
	  .form = "a whole number from 1 to 1000",
	  .min = 1,
	  .max = PROTOCOL_PAGE_SIZE_MAX },
	{ .name = "page_token", .required = true, .type = request_member_is_text, .form = "a text" },
};

const struct op op_events = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
