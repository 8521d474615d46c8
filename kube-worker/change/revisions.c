#include "kube-worker/change/revisions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/container_view.h"
#include "common/container/labels.h"
#include "common/container/object_merge.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "kube-worker/operation/op_kube.h"

#define LIST_LIMIT 500
#define SELECTOR_MAX 512
#define REVISION_HISTORY "deployment.kubernetes.io/revision-history" /* "1,4": earlier revision numbers */
#define HASH_LABEL "pod-template-hash"                               /* set by the controller */

void revisions_clear(struct revisions *revisions)
{
	cJSON_Delete(TAKE(revisions->list));
	cJSON_Delete(TAKE(revisions->notes));
	free(TAKE(revisions->items));
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct collecting {
	const struct root *root;
	enum kube_kind kind; /* of the listed objects */
	struct revisions *revisions;
};

/* A ControllerRevision stores the template as a patch. */
static enum rc take_template(cJSON *item, struct error *err)
{
	cJSON *data = cJSON_DetachItemFromObjectCaseSensitive(item, "data");
	cJSON *spec = cJSON_DetachItemFromObjectCaseSensitive(data, "spec");

	cJSON_Delete(data);
	cJSON_DeleteItemFromObjectCaseSensitive(json_get(spec, "template"), "$patch");
	if (!spec || cJSON_AddItemToObject(item, "spec", spec))
		return RC_OK;
	cJSON_Delete(spec);
	return error_no_memory(err);
}

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct collecting *c = ctx;
	struct kube_uid owner = kube_uid_of_owner(item);
	cJSON *copy;

	if (!root_has_uid(c->root, &owner) || fact_revision_of(item) <= 0)
		return RC_OK;
	copy = cJSON_Duplicate(item, 1);
	if (!copy)
		return error_no_memory(err);
	cJSON_AddItemToArray(c->revisions->list, copy);
	return c->kind == KUBE_CONTROLLER_REVISION ? take_template(copy, err) : RC_OK;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct revision *)a)->number;
	int64_t y = ((const struct revision *)b)->number;

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
		revisions->items[revisions->count++] = (struct revision){
			.object = item,
			.number = fact_revision_of(item),
			.note = revision_note_of(item),
		};
	qsort(revisions->items, count, sizeof(*revisions->items), newest_first);
	return RC_OK;
}

/* Find the current revision, and the note of each. The current one uses the root's annotations. */
static enum rc read_notes(const struct root *root, struct revisions *revisions, struct error *err)
{
	char now[REVISION_DIGEST_MAX];
	bool found = false;
	enum rc rc = revision_notes_read(root->object, &revisions->notes, err);

	if (!rc)
		rc = revision_digest(root->object, now, err);
	for (size_t i = 0; !rc && i < revisions->count; i++) {
		struct revision *revision = &revisions->items[i];
		char then[REVISION_DIGEST_MAX];

		rc = revision_digest(revision->object, then, err);
		if (rc)
			break;
		revision->current = !found && str_equal(then, now);
		found |= revision->current;
		if (revision->current)
			revision->note = revision_note_of(root->object);
		else
			(void)revision_notes_find(revisions->notes, then,
						  &revision->note); /* otherwise its own annotations */
	}
	return rc;
}

enum rc revisions_read(struct op_call *call, const struct root *root, const char *id, struct revisions *revisions,
		       struct error *err)
{
	char selector[SELECTOR_MAX];
	struct collecting collecting = { root, workload_revision_kind(root->kind), revisions };
	const struct kube_page page = {
		.kind = collecting.kind,
		.namespace = call->env->namespace,
		.selector = selector,
		.limit = LIST_LIMIT,
		.deadline_ms = call->deadline_ms,
		.on_item = take_item,
		.ctx = &collecting,
	};
	struct kube_reply nothing = { 0 };
	enum rc rc;

	revisions->list = cJSON_CreateArray();
	if (!revisions->list)
		return error_no_memory(err);
	snprintf(selector, sizeof(selector), "%s," LABEL_INSTANCE_ID "=%s", labels_selector(call->env->resource), id);
	if (kube_list_all(call->kube, &page, NULL, err))
		return op_kube_translate(call, &nothing, kube_kind_plural(page.kind), err);
	rc = sort(revisions, err);
	return rc ? rc : read_notes(root, revisions, err);
}

/* ---- lookup ------------------------------------------------------------------------------------------------------ */

static bool had_number(const cJSON *item, int64_t number)
{
	const char *at = cJSON_GetStringValue(json_get(json_at(item, "metadata.annotations"), REVISION_HISTORY));

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

const struct revision *revisions_find(const struct revisions *revisions, int64_t number)
{
	for (size_t i = 0; i < revisions->count; i++)
		if (revisions->items[i].number == number)
			return &revisions->items[i];
	for (size_t i = 0; i < revisions->count; i++)
		if (had_number(revisions->items[i].object, number))
			return &revisions->items[i];
	return NULL;
}

/* By the token of its last update. */
static bool is_refused(const char *refused, const struct revision *revision)
{
	const char *token = revision->note.change;

	for (const char *at = refused; token && at && *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (strlen(token) == len && strncmp(at, token, len) == 0)
			return true;
		at += len;
	}
	return false;
}

const struct revision *revisions_before(const struct revisions *revisions, const struct root *root)
{
	const char *refused = root_annotation(root, ANNOTATION_REFUSED);

	for (size_t i = 0; i < revisions->count; i++)
		if (!revisions->items[i].current && !is_refused(refused, &revisions->items[i]))
			return &revisions->items[i];
	return NULL;
}

const char *revision_restarted(const struct revision *revision)
{
	return cJSON_GetStringValue(
		json_get(json_at(revision->object, "spec.template.metadata.annotations"), ANNOTATION_RESTARTED));
}

/* ---- its spec ---------------------------------------------------------------------------------------------------- */

/*
 * The labels of a root are also in its template, except for those added to only one by other programs. So the earlier
 * labels are the current ones plus the difference of the templates.
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

/* The visible part of the earlier root. NULL: out of memory. */
static cJSON *root_of_then(const struct root *root, const struct revision *revision)
{
	const cJSON *item = revision->object;
	const char *stopped = root_annotation(root, ANNOTATION_STOPPED); /* like the replicas */
	cJSON *labels = labels_of_then(root, item);
	cJSON *object = labels ? cJSON_CreateObject() : NULL;
	cJSON *metadata = cJSON_AddObjectToObject(object, "metadata");
	cJSON *annotations = cJSON_AddObjectToObject(metadata, "annotations");
	cJSON *spec = cJSON_AddObjectToObject(object, "spec");
	bool whole = true;

	if (!cJSON_AddItemToObject(metadata, "labels", labels))
		cJSON_Delete(labels);
	if (revision->note.spec)
		whole &= cJSON_AddStringToObject(annotations, ANNOTATION_SPEC, revision->note.spec) != NULL;
	if (stopped)
		whole &= cJSON_AddStringToObject(annotations, ANNOTATION_STOPPED, stopped) != NULL;
	cJSON_AddItemToObject(metadata, "name", cJSON_Duplicate(json_at(root->object, "metadata.name"), 1));
	cJSON_AddItemToObject(metadata, "namespace", cJSON_Duplicate(json_at(root->object, "metadata.namespace"), 1));
	cJSON_AddItemToObject(spec, "template", cJSON_Duplicate(json_at(item, "spec.template"), 1));
	cJSON_AddItemToObject(spec, "replicas", cJSON_Duplicate(json_at(root->object, "spec.replicas"), 1));
	if (whole)
		return object;
	cJSON_Delete(object);
	return NULL;
}

enum rc revision_spec(const struct root *root, const struct revision *revision, cJSON **ret_spec, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct buf text cleanup_buf = buf_make(CONTAINER_VIEW_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_json cJSON *then = root_of_then(root, revision);
	cleanup_json cJSON *view = NULL;
	enum rc rc;

	extras.root = root->kind;
	rc = then ? container_view_write(&w, then, &extras, NULL, err) : error_no_memory(err);
	if (!rc)
		rc = json_parse(text.data, text.len, &view, err);
	if (!rc)
		*ret_spec = cJSON_DetachItemFromObjectCaseSensitive(view, "spec");
	return rc;
}

enum rc revision_write(struct json_writer *w, const char *id, const struct root *root, const struct revision *revision,
		       struct error *err)
{
	char path[PROTOCOL_ID_MAX + 64];
	cleanup_json cJSON *spec = NULL;
	enum rc rc = revision_spec(root, revision, &spec, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "containers/%s/revisions/%" PRId64, id, revision->number);
	json_begin_object(w, NULL);
	json_string(w, "path", path);
	json_int(w, "revision", revision->number);
	json_optional_string(w, "create_time", json_string_at(revision->object, "metadata.creationTimestamp"));
	json_bool(w, "current", revision->current);
	json_tree(w, "spec", spec);
	json_end_object(w);
	return RC_OK;
}
