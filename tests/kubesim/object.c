#include "tests/kubesim/object.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/tree.h"

#define TEXT_HEAD "{\"metadata\":{" /* the beginning of every text; the resourceVersion follows */

/* Drop the members specific to a version or kind, and move metadata to the front. */
static void normalise(cJSON *tree)
{
	cJSON *metadata = sim_tree_child(tree, "metadata");

	sim_tree_drop(tree, "kind");
	sim_tree_drop(tree, "apiVersion");
	sim_tree_drop(metadata, "resourceVersion");
	cJSON_InsertItemInArray(tree, 0, cJSON_DetachItemViaPointer(tree, metadata));
}

static void copy_uid(char out[CRYPTO_UUID_MAX], const char *uid)
{
	snprintf(out, CRYPTO_UUID_MAX, "%s", uid ? uid : "");
}

static void read_metadata(struct sim_object *o, const cJSON *metadata)
{
	const char *ns = json_string_at(metadata, "namespace");
	const cJSON *owner = NULL;
	size_t owner_count = 0;

	o->ns = str_dup(ns ? ns : "");
	o->name = str_dup(json_string_at(metadata, "name"));
	if (asprintf(&o->key, "%s%s%s", ns ? ns : "", ns ? "/" : "", o->name) < 0)
		o->key = NULL;
	copy_uid(o->uid, json_string_at(metadata, "uid"));
	cJSON_ArrayForEach (owner, json_get(metadata, "ownerReferences"))
		if (owner_count < SIM_OWNERS_MAX)
			copy_uid(o->owners[owner_count++], json_string_at(owner, "uid"));
	o->deleting = json_get(metadata, "deletionTimestamp") != NULL;
	o->labels = sim_tree_copy(json_get(metadata, "labels"));
}

struct sim_object *sim_object_create(const struct sim_kind *kind, cJSON *tree)
{
	cleanup_object struct sim_object *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	o->kind = kind;
	normalise(tree);
	read_metadata(o, json_get(tree, "metadata"));
	o->text = cJSON_PrintUnformatted(tree);
	o->text_len = o->text ? strlen(o->text) : 0;
	return o->text && o->ns && o->name && o->key ? TAKE(o) : NULL;
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
	cJSON_Delete(object->labels);
	free(object->text);
	free(object->key);
	free(object->name);
	free(object->ns);
	free(object);
}

cJSON *sim_object_tree(const struct sim_object *object)
{
	return cJSON_ParseWithLength(object->text, object->text_len);
}

void sim_object_write(const struct sim_object *object, uint64_t version, bool is_item, struct buf *out)
{
	if (is_item)
		buf_add_str(out, TEXT_HEAD);
	else
		buf_addf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{", object->kind->kind,
			 object->kind->api_version);
	buf_addf(out, "\"resourceVersion\":\"%" PRIu64 "\",", version);
	buf_add(out, object->text + strlen(TEXT_HEAD), object->text_len - strlen(TEXT_HEAD));
}

const char *sim_object_label(const struct sim_object *object, const char *key)
{
	return cJSON_GetStringValue(json_get(object->labels, key));
}

void sim_object_cleanup(struct sim_object **object)
{
	sim_object_unref(*object);
}
