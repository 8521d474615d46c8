#include "tests/kubesim/objects.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/tree.h"

#define GENERATED_PREFIX_MAX 58 /* kept characters of generateName: 63 minus the random ones */
#define GRACE_DEFAULT_S 30

/*
 * ---- create -------------------------------------------------------------------------------------------------------
 */

/* The prefix with five random characters after it. */
static void generate_name(cJSON *metadata, const char *prefix)
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789"; /* no vowels, to avoid words */
	char suffix[6] = "";
	char name[GENERATED_PREFIX_MAX + sizeof(suffix)];

	for (size_t i = 0; i < sizeof(suffix) - 1; i++)
		suffix[i] = alphabet[random_below(sizeof(alphabet) - 1)];
	snprintf(name, sizeof(name), "%.*s%s", GENERATED_PREFIX_MAX, prefix, suffix);
	sim_tree_set_string(metadata, "name", name);
}

void sim_objects_stamp(const struct sim_kind *kind, cJSON *tree, const char *ns)
{
	static const char *const not_yet[] = { "namespace", "generation", "deletionTimestamp",
					       "deletionGracePeriodSeconds", "managedFields" };
	cJSON *metadata = sim_tree_child(tree, "metadata");
	const char *prefix = json_string_at(metadata, "generateName");
	char uid[CRYPTO_UUID_MAX];

	for (size_t i = 0; i < ARRAY_LEN(not_yet); i++)
		sim_tree_drop(metadata, not_yet[i]);
	if (prefix && !json_get(metadata, "name"))
		generate_name(metadata, prefix);
	if (kind->namespaced)
		sim_tree_set_string(metadata, "namespace", ns);
	if (kind->generations)
		sim_tree_set_int(metadata, "generation", 1);
	if (!crypto_random_uuid(uid))
		abort(); /* no random numbers available */
	sim_tree_set_string(metadata, "uid", uid);
	sim_tree_set_now(metadata, "creationTimestamp");
}

enum rc sim_objects_insert(struct sim *sim, const struct sim_kind *kind, cJSON *tree, struct sim_object **ret_object)
{
	cleanup_object struct sim_object *draft = sim_object_create(kind, tree);
	enum rc rc = draft ? sim_store_insert(sim->store, draft) : RC_NO_MEMORY;

	if (!rc && ret_object)
		*ret_object = TAKE(draft);
	return rc;
}

void sim_objects_make_namespace(struct sim *sim, const char *name)
{
	const struct sim_kind *kind = &sim_kinds[SIM_NAMESPACE];
	cleanup_json cJSON *tree = cJSON_CreateObject();

	sim_tree_set_string(sim_tree_child(tree, "metadata"), "name", name);
	sim_objects_stamp(kind, tree, "");
	kind->set_defaults(tree);
	if (sim_objects_insert(sim, kind, tree, NULL))
		return; /* already exists */
}

/* ---- update ------------------------------------------------------------------------------------------------------ */

enum rc sim_objects_replace(struct sim *sim, const struct sim_object *old, cJSON *tree, struct sim_object **ret_object)
{
	cleanup_object struct sim_object *draft = sim_object_create(old->kind, tree);
	enum rc rc = draft ? sim_store_replace(sim->store, old, draft) : RC_NO_MEMORY;

	if (!rc && ret_object)
		*ret_object = TAKE(draft);
	return rc;
}

bool sim_objects_update(struct sim *sim, const struct sim_object *old, cJSON *tree)
{
	enum rc rc = sim_objects_replace(sim, old, tree, NULL);

	if (rc == RC_CONFLICT)
		sim_store_touch(sim->store, old, 0);
	return rc == RC_OK;
}

/*
 * ---- delete -------------------------------------------------------------------------------------------------------
 */

bool sim_objects_remove(struct sim *sim, const struct sim_object *object)
{
	enum rc rc = sim_store_remove(sim->store, object);

	if (rc == RC_CONFLICT)
		sim_store_touch(sim->store, object, 0);
	return rc == RC_OK;
}

bool sim_objects_finished(const struct sim_object *object, const cJSON *tree)
{
	return object->deleting && !json_at(tree, "metadata.finalizers") &&
	       json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0) == 0 &&
	       object->kind != &sim_kinds[SIM_NAMESPACE];
}

/* Grace period in seconds; 0 for everything except a scheduled Pod. */
static int64_t grace_of(const struct sim_kind *kind, const cJSON *tree, int64_t asked_s)
{
	const char *phase = json_string_at(tree, "status.phase");
	int64_t left_s = json_int_at(tree, "metadata.deletionGracePeriodSeconds", INT64_MAX);
	int64_t grace_s = asked_s >= 0 ? asked_s
				       : json_int_at(tree, "spec.terminationGracePeriodSeconds", GRACE_DEFAULT_S);

	if (kind != &sim_kinds[SIM_POD] || !json_string_at(tree, "spec.nodeName") || str_equal(phase, "Failed") ||
	    str_equal(phase, "Succeeded"))
		return 0;
	return grace_s < left_s ? grace_s : left_s;
}

/* Mark the tree as being deleted. */
static void mark_deleted(cJSON *metadata, int64_t grace_s)
{
	char when[CLOCK_RFC3339_MAX];

	if (json_get(metadata, "generation"))
		sim_tree_set_int(metadata, "generation", json_int_at(metadata, "generation", 1) + 1);
	clock_format_rfc3339(clock_wall_ms() + grace_s * 1000, false, when);
	sim_tree_set_string(metadata, "deletionTimestamp", when);
	sim_tree_set_int(metadata, "deletionGracePeriodSeconds", grace_s);
}

enum rc sim_objects_delete(struct sim *sim, struct sim_object *object, int64_t grace_s, struct sim_object **ret_object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *metadata = json_get(tree, "metadata");
	bool is_namespace = object->kind == &sim_kinds[SIM_NAMESPACE];

	if (!tree)
		return RC_NO_MEMORY;
	grace_s = grace_of(object->kind, tree, grace_s);
	if (grace_s == 0 && !is_namespace && !json_at(metadata, "finalizers"))
		return sim_store_remove(sim->store, object);
	if (!object->deleting || grace_s < json_int_at(metadata, "deletionGracePeriodSeconds", 0))
		mark_deleted(metadata, grace_s);
	if (is_namespace)
		sim_tree_set_string(sim_tree_child(tree, "status"), "phase", "Terminating");
	return sim_objects_replace(sim, object, tree, ret_object);
}

void sim_objects_delete_now(struct sim *sim, struct sim_object *object, const struct sim_object *why)
{
	if (!object->deleting && sim_objects_delete(sim, object, -1, NULL) == RC_CONFLICT)
		sim_store_touch(sim->store, why, 0);
}
