#include "tests/kubesim/object.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"

#define OBJECT_TEXT_MAX ((size_t)64 << 20) /* bytes; a padded object of a test is the largest */
#define METADATA "\"metadata\":{"

/* The head of the text up to and with the resourceVersion, and the comma behind it. */
static void add_head(struct buf *b, const struct sim_kind *kind, uint64_t version, size_t *ret_item_offset)
{
	buf_addf(b, "{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\",", kind->kind, kind->group, kind->group[0] ? "/" : "",
		 kind->version);
	*ret_item_offset = b->len;
	buf_add_str(b, METADATA);
	if (version)
		buf_addf(b, "\"resourceVersion\":\"%" PRIu64 "\",", version);
}

/* What stands behind the head. Its first character is a member of metadata, which is never empty. */
static const char *body_of(const struct sim_object *o)
{
	const char *at = o->text + o->item_offset + strlen(METADATA);

	if (o->version)
		at = strchr(at, ',') + 1;
	return at;
}

/* Move metadata to the front and drop what add_head() writes. */
static void normalise(cJSON *tree)
{
	cJSON *metadata = cJSON_DetachItemFromObjectCaseSensitive(tree, "metadata");

	cJSON_DeleteItemFromObjectCaseSensitive(tree, "kind");
	cJSON_DeleteItemFromObjectCaseSensitive(tree, "apiVersion");
	cJSON_DeleteItemFromObjectCaseSensitive(metadata, "resourceVersion");
	cJSON_AddItemToObject(tree, "metadata", metadata);
	metadata = cJSON_DetachItemFromObjectCaseSensitive(tree, "metadata");
	cJSON_InsertItemInArray(tree, 0, metadata);
}

/* One block for the struct, the key and the labels. */
static struct sim_object *allocate(const cJSON *metadata)
{
	const char *ns = json_string_at(metadata, "namespace");
	const char *name = json_string_at(metadata, "name");
	const cJSON *label = NULL;
	struct sim_object *o;
	size_t ns_len = ns ? strlen(ns) : 0;
	size_t key_len = ns_len + strlen(name) + 2;
	size_t label_bytes = 0;
	size_t label_count = 0;
	char *at;

	cJSON_ArrayForEach (label, json_get(metadata, "labels")) {
		label_count++;
		label_bytes += strlen(label->string) + strlen(label->valuestring) + 2;
	}
	o = calloc(1, sizeof(*o) + label_count * 2 * sizeof(char *) + key_len + label_bytes);
	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	o->labels = (const char **)(void *)(o + 1);
	at = (char *)(void *)(o->labels + label_count * 2);
	o->key = at;
	o->namespace_len = ns_len;
	at += snprintf(at, key_len, "%s%s", ns ? ns : "", ns ? "/" : "");
	o->name = at;
	at += snprintf(at, strlen(name) + 1, "%s", name) + 1;
	cJSON_ArrayForEach (label, json_get(metadata, "labels")) {
		o->labels[o->label_count * 2] = at;
		at += snprintf(at, strlen(label->string) + 1, "%s", label->string) + 1;
		o->labels[o->label_count * 2 + 1] = at;
		at += snprintf(at, strlen(label->valuestring) + 1, "%s", label->valuestring) + 1;
		o->label_count++;
	}
	return o;
}

static void copy_uid(char out[SIM_UID_MAX], const char *uid)
{
	snprintf(out, SIM_UID_MAX, "%s", uid ? uid : "");
}

struct sim_object *sim_object_create(const struct sim_kind *kind, cJSON *tree, uint64_t version)
{
	struct buf text cleanup_buf = buf_make(OBJECT_TEXT_MAX);
	cleanup_free char *printed = NULL;
	cleanup_object struct sim_object *o = NULL;
	const cJSON *metadata;
	const cJSON *owner = NULL;
	size_t owner_count = 0;

	normalise(tree);
	metadata = json_get(tree, "metadata");
	printed = cJSON_PrintUnformatted(tree);
	o = allocate(metadata);
	if (!printed || !o)
		return NULL;
	o->kind = kind;
	o->version = version;
	copy_uid(o->uid, json_string_at(metadata, "uid"));
	cJSON_ArrayForEach (owner, json_get(metadata, "ownerReferences"))
		if (owner_count < SIM_OWNERS_MAX)
			copy_uid(o->owners[owner_count++], json_string_at(owner, "uid"));
	o->deleting = json_get(metadata, "deletionTimestamp") != NULL;
	add_head(&text, kind, version, &o->item_offset);
	buf_add_str(&text, printed + strlen("{" METADATA));
	o->text = buf_take(&text, &o->text_len);
	return o->text ? TAKE(o) : NULL;
}

struct sim_object *sim_object_renumber(const struct sim_object *object, uint64_t version)
{
	struct buf text cleanup_buf = buf_make(OBJECT_TEXT_MAX);
	cleanup_object struct sim_object *o = NULL;
	const char *body = body_of(object);
	const char *end = object->name + strlen(object->name) + 1;
	ptrdiff_t shift;
	size_t bytes;

	for (size_t i = 0; i < object->label_count * 2; i++)
		end = object->labels[i] + strlen(object->labels[i]) + 1;
	bytes = (size_t)(end - (const char *)object);
	o = malloc(bytes);
	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	memcpy((char *)o + offsetof(struct sim_object, kind), (const char *)object + offsetof(struct sim_object, kind),
	       bytes - offsetof(struct sim_object, kind)); /* others count references of the old one meanwhile */
	shift = (char *)o - (const char *)object;
	o->key += shift;
	o->name += shift;
	o->labels = (const char **)(void *)(o + 1);
	for (size_t i = 0; i < o->label_count * 2; i++)
		o->labels[i] += shift;
	o->version = version;
	add_head(&text, o->kind, version, &o->item_offset);
	buf_add(&text, body, object->text_len - (size_t)(body - object->text));
	o->text = buf_take(&text, &o->text_len);
	return o->text ? TAKE(o) : NULL;
}

struct sim_object *sim_object_ref(struct sim_object *object)
{
	if (object)
		atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
	return object;
}

void sim_object_unref(struct sim_object *object)
{
	if (!object || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(object->text);
	free(object);
}

bool sim_object_same(const struct sim_object *a, const struct sim_object *b)
{
	return strcmp(body_of(a), body_of(b)) == 0;
}

bool sim_object_same_length(const struct sim_object *a, const struct sim_object *b)
{
	return strlen(body_of(a)) == strlen(body_of(b));
}

cJSON *sim_object_tree(const struct sim_object *object)
{
	return cJSON_ParseWithLength(object->text, object->text_len);
}

const char *sim_object_label(const struct sim_object *object, const char *key)
{
	for (size_t i = 0; i < object->label_count; i++)
		if (strcmp(object->labels[i * 2], key) == 0)
			return object->labels[i * 2 + 1];
	return NULL;
}

void sim_object_cleanup(struct sim_object **object)
{
	sim_object_unref(*object);
}
