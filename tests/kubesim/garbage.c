/*
 * Garbage collection: objects whose owners are gone, and the finalizers of foreground deletion and orphaning.
 */
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"

static cJSON *find_finalizer(const cJSON *tree, const char *name)
{
	cJSON *finalizer = NULL;

	cJSON_ArrayForEach (finalizer, json_at(tree, "metadata.finalizers"))
		if (str_equal(cJSON_GetStringValue(finalizer), name))
			return finalizer;
	return NULL;
}

static bool drop_finalizer(cJSON *tree, void *name)
{
	cJSON *finalizers = json_at(tree, "metadata.finalizers");
	cJSON *finalizer = find_finalizer(tree, name);

	if (!finalizer)
		return false;
	cJSON_Delete(cJSON_DetachItemViaPointer(finalizers, finalizer));
	if (cJSON_GetArraySize(finalizers) == 0)
		sim_tree_drop(json_get(tree, "metadata"), "finalizers");
	return true;
}

static bool drop_owner(cJSON *tree, void *uid)
{
	cJSON *owners = json_at(tree, "metadata.ownerReferences");
	cJSON *owner = sim_tree_find(owners, "uid", uid);

	if (!owner)
		return false;
	cJSON_Delete(cJSON_DetachItemViaPointer(owners, owner));
	if (cJSON_GetArraySize(owners) == 0)
		sim_tree_drop(json_get(tree, "metadata"), "ownerReferences");
	return true;
}

/* Does the dependent keep its owner from going? */
static bool blocks(const struct sim_object *dependent, const char *owner_uid)
{
	cleanup_json cJSON *tree = sim_object_tree(dependent);

	return json_true_at(sim_tree_find(json_at(tree, "metadata.ownerReferences"), "uid", owner_uid),
			    "blockOwnerDeletion");
}

/* Delete the dependents. True when none is left that blocks. */
static bool clear_dependents(struct sim *sim, const struct sim_object *owner)
{
	struct sim_list list = { 0 };
	bool blocked = false;

	if (sim_store_dependents(sim->store, owner->uid, NULL, &list))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		blocked = blocked || blocks(list.objects[i], owner->uid);
		sim_objects_delete_now(sim, list.objects[i]);
	}
	sim_list_clear(&list);
	return !blocked;
}

static void release_dependents(struct sim *sim, const struct sim_object *owner)
{
	struct sim_list list = { 0 };
	char uid[SIM_UID_MAX];

	snprintf(uid, sizeof(uid), "%s", owner->uid);
	if (sim_store_dependents(sim->store, uid, NULL, &list))
		return;
	for (size_t i = 0; i < list.count; i++)
		sim_objects_change(sim, list.objects[i], drop_owner, uid);
	sim_list_clear(&list);
}

/* An object that is being deleted: see to its finalizers; without any, and without a grace period, it goes. */
static bool finish_deletion(struct sim *sim, const struct sim_object *object)
{
	static char foreground[] = FOREGROUND;
	static char orphan[] = ORPHAN;
	cleanup_json cJSON *tree = sim_object_tree(object);

	if (find_finalizer(tree, ORPHAN)) {
		release_dependents(sim, object);
		sim_objects_change(sim, object, drop_finalizer, orphan);
		return true;
	}
	if (find_finalizer(tree, FOREGROUND)) {
		if (clear_dependents(sim, object))
			sim_objects_change(sim, object, drop_finalizer, foreground);
		return true;
	}
	if (json_at(tree, "metadata.finalizers") || json_int_at(tree, "metadata.deletionGracePeriodSeconds", 1) != 0)
		return false;
	if (sim_objects_remove(sim, object, NULL) == RC_CONFLICT)
		sim_store_touch(sim->store, object, 0);
	return true;
}

bool sim_control_garbage(struct sim *sim, const struct sim_object *object)
{
	int64_t wait_ms = sim_store_orphan_wait_ms(sim->store, object);

	if (wait_ms > 0)
		sim_store_touch(sim->store, object, wait_ms);
	if (wait_ms == 0 && !object->deleting) {
		sim_objects_delete_now(sim, object);
		return true;
	}
	return object->deleting && finish_deletion(sim, object);
}
