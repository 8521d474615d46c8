#include "kube-worker/revisions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/container_view.h"
#include "common/container/labels.h"
#include "common/container/object_merge.h"
#include "common/kube/kube_list.h"
#include "kube-worker/op_kube.h"

#define LIST_LIMIT 500
#define SELECTOR_MAX 512
#define VIEW_MAX (16u * 1024 * 1024)
#define REVISION "deployment.kubernetes.io/revision"
#define REVISION_HISTORY "deployment.kubernetes.io/revision-history" /* "1,4": the numbers that it had before */
#define HASH_LABEL "pod-template-hash"                               /* the controller's own */

void revisions_clear(struct revisions *revisions)
{
	cJSON_Delete(TAKE(revisions->list));
	free(TAKE(revisions->items));
}

static const char *annotation(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_get(json_at(object, "metadata.annotations"), name));
}

int64_t revision_number(const cJSON *item)
{
	const char *text = annotation(item, REVISION);
	int64_t number;

	return text && str_parse_int64(text, &number) ? number : 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct collecting {
	struct kube_uid root;
	cJSON *list;
};

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct collecting *c = ctx;
	struct kube_uid owner = kube_owner_of(item);
	cJSON *copy;

	if (!kube_uid_equal(&owner, &c->root) || revision_number(item) <= 0)
		return RC_OK;
	copy = cJSON_Duplicate(item, 1);
	if (!copy)
		return error_no_memory(err);
	cJSON_AddItemToArray(c->list, copy);
	return RC_OK;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = revision_number(*(const cJSON *const *)a);
	int64_t y = revision_number(*(const cJSON *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static enum rc sort(struct revisions *revisions, struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(revisions->list);
	const cJSON *item = NULL;

	revisions->items = calloc(count + 1, sizeof(*revisions->items));
	if (!revisions->items)
		return error_no_memory(err);
	cJSON_ArrayForEach (item, revisions->list)
		revisions->items[revisions->count++] = item;
	qsort(revisions->items, count, sizeof(*revisions->items), newest_first);
	return RC_OK;
}

enum rc revisions_read(struct op_call *call, const struct root *root, const char *id, struct revisions *revisions,
		       struct error *err)
{
	char selector[SELECTOR_MAX];
	struct collecting collecting = { kube_uid_parse(root_uid(root)), cJSON_CreateArray() };
	const struct kube_page page = {
		.kind = KUBE_REPLICASET,
		.namespace = call->env->config->namespace,
		.selector = selector,
		.limit = LIST_LIMIT,
		.deadline_ms = call->deadline_ms,
		.on_item = take_item,
		.ctx = &collecting,
	};
	struct kube_reply nothing = { 0 };

	revisions->list = collecting.list;
	if (!revisions->list)
		return error_no_memory(err);
	snprintf(selector, sizeof(selector), "%s," LABEL_INSTANCE_ID "=%s", labels_selector(call->env->resource), id);
	if (kube_list_all(call->kube, &page, NULL, err))
		return op_kube_translate(call, &nothing, "list the ReplicaSets", err);
	revisions->current = revision_number(root->object);
	return sort(revisions, err);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static bool had_number(const cJSON *item, int64_t number)
{
	const char *at = annotation(item, REVISION_HISTORY);

	while (at && *at) {
		size_t len = strcspn(at, ",");
		char text[24];
		int64_t had;

		snprintf(text, sizeof(text), "%.*s", (int)len, at);
		if (str_parse_int64(text, &had) && had == number)
			return true;
		at += len + (at[len] == ',');
	}
	return false;
}

const cJSON *revisions_find(const struct revisions *revisions, int64_t number)
{
	for (size_t i = 0; i < revisions->count; i++)
		if (revision_number(revisions->items[i]) == number)
			return revisions->items[i];
	for (size_t i = 0; i < revisions->count; i++)
		if (had_number(revisions->items[i], number))
			return revisions->items[i];
	return NULL;
}

/* A ReplicaSet keeps the annotations that its Deployment had as long as it was the newest. */
static bool is_refused(const char *refused, const cJSON *item)
{
	const char *token = annotation(item, ANNOTATION_CHANGE);

	for (const char *at = refused; token && at && *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (strlen(token) == len && strncmp(at, token, len) == 0)
			return true;
		at += len;
	}
	return false;
}

const cJSON *revisions_before(const struct revisions *revisions, const struct root *root)
{
	const char *refused = root_annotation(root, ANNOTATION_REFUSED);

	for (size_t i = 0; i < revisions->count; i++)
		if (revision_number(revisions->items[i]) < revisions->current &&
		    !is_refused(refused, revisions->items[i]))
			return revisions->items[i];
	return NULL;
}

const char *revision_restarted(const cJSON *item)
{
	return cJSON_GetStringValue(
		json_get(json_at(item, "spec.template.metadata.annotations"), ANNOTATION_RESTARTED));
}

/* ---- its spec ---------------------------------------------------------------------------------------------------- */

/*
 * The labels of a Deployment are in its template as well, but for those that others put on one of the two. So those of then
 * are those of now, and what differs between the templates.
 */
static cJSON *labels_of_then(const struct root *root, const cJSON *item)
{
	const cJSON *template_now = json_at(root->object, "spec.template.metadata.labels");
	cleanup_json cJSON *template_then = cJSON_Duplicate(json_at(item, "spec.template.metadata.labels"), 1);
	cJSON *labels = cJSON_Duplicate(json_at(root->object, "metadata.labels"), 1);

	cJSON_DeleteItemFromObjectCaseSensitive(template_then, HASH_LABEL);
	if (template_then && labels && !object_merge(template_now, template_then, labels, NULL))
		return labels;
	cJSON_Delete(labels);
	return NULL;
}

/* A Deployment as it was then, as far as clients see it. NULL: memory is short. */
static cJSON *root_of_then(const struct root *root, const cJSON *item)
{
	cJSON *labels = labels_of_then(root, item);
	cJSON *object = labels ? cJSON_CreateObject() : NULL;
	cJSON *metadata = cJSON_AddObjectToObject(object, "metadata");
	cJSON *spec = cJSON_AddObjectToObject(object, "spec");

	if (!cJSON_AddItemToObject(metadata, "labels", labels))
		cJSON_Delete(labels);
	cJSON_AddItemToObject(metadata, "annotations", cJSON_Duplicate(json_at(item, "metadata.annotations"), 1));
	cJSON_AddItemToObject(metadata, "name", cJSON_Duplicate(json_at(root->object, "metadata.name"), 1));
	cJSON_AddItemToObject(metadata, "namespace", cJSON_Duplicate(json_at(root->object, "metadata.namespace"), 1));
	cJSON_AddItemToObject(spec, "template", cJSON_Duplicate(json_at(item, "spec.template"), 1));
	cJSON_AddItemToObject(spec, "replicas", cJSON_Duplicate(json_at(root->object, "spec.replicas"), 1));
	return object;
}

enum rc revision_spec(const struct root *root, const cJSON *item, cJSON **ret_spec, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct buf text cleanup_buf = buf_make(VIEW_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_json cJSON *then = root_of_then(root, item);
	cleanup_json cJSON *view = NULL;
	enum rc rc = then ? container_view_write(&w, then, &extras, NULL, err) : error_no_memory(err);

	if (!rc)
		rc = json_parse(text.data, text.len, &view, err);
	if (!rc)
		*ret_spec = cJSON_DetachItemFromObjectCaseSensitive(view, "spec");
	return rc;
}

enum rc revision_write(struct json_writer *w, const char *id, const struct root *root,
		       const struct revisions *revisions, const cJSON *item, struct error *err)
{
	int64_t number = revision_number(item);
	char path[PROTOCOL_ID_MAX + 64];
	cleanup_json cJSON *spec = NULL;
	enum rc rc = revision_spec(root, item, &spec, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "containers/%s/revisions/%" PRId64, id, number);
	json_begin_object(w, NULL);
	json_string(w, "path", path);
	json_int(w, "revision", number);
	json_optional_string(w, "create_time", json_string_at(item, "metadata.creationTimestamp"));
	json_bool(w, "current", number == revisions->current);
	json_tree(w, "spec", spec);
	json_end_object(w);
	return RC_OK;
}
