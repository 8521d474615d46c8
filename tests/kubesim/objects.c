#include "tests/kubesim/objects.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/tree.h"

#define GENERATED_PREFIX_MAX 58 /* characters of generateName that stay: 63 less the random ones */

static void random_bytes(void *out, size_t len)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort(); /* a kernel without random numbers */
}

void sim_random_uid(char out[SIM_UID_MAX])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, SIM_UID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void sim_random_suffix(char out[6])
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789"; /* no vowels: no words by accident */
	unsigned char b[5];

	random_bytes(b, sizeof(b));
	for (size_t i = 0; i < 5; i++)
		out[i] = alphabet[b[i] % (sizeof(alphabet) - 1)];
	out[5] = '\0';
}

void sim_objects_stamp(const struct sim_kind *kind, cJSON *tree, const char *ns)
{
	cJSON *metadata = sim_tree_child(tree, "metadata");
	const char *base = json_string_at(metadata, "generateName");
	const char *name = json_string_at(metadata, "name");
	char uid[SIM_UID_MAX];
	char suffix[6];
	char generated[80];

	if (base && *base && !(name && *name)) {
		sim_random_suffix(suffix);
		snprintf(generated, sizeof(generated), "%.*s%s", GENERATED_PREFIX_MAX, base, suffix);
		sim_tree_set_string(metadata, "name", generated);
	}
	if (kind->namespaced)
		sim_tree_set_string(metadata, "namespace", ns);
	else
		sim_tree_drop(metadata, "namespace");
	sim_random_uid(uid);
	sim_tree_set_string(metadata, "uid", uid);
	if (kind->generations)
		sim_tree_set_int(metadata, "generation", 1);
	else
		sim_tree_drop(metadata, "generation");
	sim_tree_set_now(metadata, "creationTimestamp");
	sim_tree_drop(metadata, "deletionTimestamp");
	sim_tree_drop(metadata, "deletionGracePeriodSeconds");
	sim_tree_drop(metadata, "managedFields");
	sim_tree_drop(metadata, "selfLink");
}

enum rc sim_objects_insert(struct sim *sim, const struct sim_kind *kind, cJSON *tree, struct sim_object **ret_object)
{
	cleanup_object struct sim_object *draft = sim_object_create(kind, tree, 0);

	return draft ? sim_store_insert(sim->store, draft, ret_object) : RC_NO_MEMORY;
}

/* Clients send members in any order; that is no change. A text of another length is. */
static bool differs_in_order_only(const struct sim_object *old, const struct sim_object *draft)
{
	cleanup_json cJSON *was = NULL;
	cleanup_json cJSON *is = NULL;
	cJSON *metadata;

	if (!sim_object_same_length(old, draft) || sim_object_same(old, draft))
		return false;
	was = sim_object_tree(old);
	is = sim_object_tree(draft);
	metadata = json_get(was, "metadata");
	sim_tree_drop(metadata, "resourceVersion");
	return sim_tree_equal(was, is);
}

enum rc sim_objects_replace(struct sim *sim, const struct sim_object *old, cJSON *tree, struct sim_object **ret_object)
{
	cleanup_object struct sim_object *draft = sim_object_create(old->kind, tree, 0);

	if (draft && differs_in_order_only(old, draft)) {
		if (ret_object)
			*ret_object = sim_object_ref((struct sim_object *)(uintptr_t)old);
		return RC_OK;
	}
	return draft ? sim_store_replace(sim->store, old, draft, ret_object) : RC_NO_MEMORY;
}

static struct sim_object *get_again(struct sim *sim, const struct sim_object *object)
{
	char ns[256];
	struct sim_object *now;

	snprintf(ns, sizeof(ns), "%.*s", (int)object->namespace_len, object->key);
	now = sim_store_get(sim->store, object->kind, ns, object->name);
	if (now && strcmp(now->uid, object->uid) != 0) {
		sim_object_unref(now);
		now = NULL;
	}
	return now;
}

void sim_objects_change(struct sim *sim, const struct sim_object *object, bool (*change)(cJSON *tree, void *ctx),
			void *ctx)
{
	for (;;) {
		cleanup_object struct sim_object *now = get_again(sim, object);
		cleanup_json cJSON *tree = now ? sim_object_tree(now) : NULL;

		if (!tree || !change(tree, ctx) || sim_objects_replace(sim, now, tree, NULL) != RC_CONFLICT)
			return;
	}
}

enum rc sim_objects_remove(struct sim *sim, const struct sim_object *object, struct sim_object **ret_object)
{
	enum rc rc = sim_store_remove(sim->store, object, ret_object);

	if (!rc && object->kind->released)
		object->kind->released(sim, object);
	return rc;
}

static void add_finalizer(cJSON *metadata, const char *name)
{
	cJSON *finalizers = sim_tree_child_array(metadata, "finalizers");
	const cJSON *one = NULL;

	cJSON_ArrayForEach (one, finalizers)
		if (str_equal(one->valuestring, name))
			return;
	cJSON_AddItemToArray(finalizers, cJSON_CreateString(name));
}

/* Seconds that a deleted object is still given; 0 for everything but a Pod that runs somewhere. */
static int64_t grace_of(const struct sim_kind *kind, const cJSON *tree, int64_t asked_s)
{
	const char *phase = json_string_at(tree, "status.phase");

	if (kind != &sim_kinds[SIM_POD] || !json_string_at(tree, "spec.nodeName") || str_equal(phase, "Failed") ||
	    str_equal(phase, "Succeeded"))
		return 0;
	return asked_s >= 0 ? asked_s : json_int_at(tree, "spec.terminationGracePeriodSeconds", 30);
}

/* Write into the tree that the object is being deleted. */
static void mark_deleted(cJSON *tree, int64_t grace_s)
{
	cJSON *metadata = json_get(tree, "metadata");
	char when[CLOCK_RFC3339_MAX];

	if (json_get(metadata, "generation"))
		sim_tree_set_int(metadata, "generation", json_int_at(metadata, "generation", 1) + 1);
	clock_format_rfc3339(clock_wall_ms() + grace_s * 1000, false, when);
	sim_tree_set_string(metadata, "deletionTimestamp", when);
	sim_tree_set_int(metadata, "deletionGracePeriodSeconds", grace_s);
}

enum rc sim_objects_delete(struct sim *sim, const struct sim_object *object, const struct sim_delete_options *options,
			   struct sim_object **ret_object, bool *ret_removed)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *metadata = json_get(tree, "metadata");
	bool is_namespace = object->kind == &sim_kinds[SIM_NAMESPACE];
	int64_t grace_s;
	bool removed;
	enum rc rc;

	if (!tree)
		return RC_NO_MEMORY;
	grace_s = grace_of(object->kind, tree, options->grace_s);
	if (object->deleting && grace_s > json_int_at(metadata, "deletionGracePeriodSeconds", 0))
		grace_s = json_int_at(metadata, "deletionGracePeriodSeconds", 0);
	if (options->propagation == PROPAGATION_FOREGROUND)
		add_finalizer(metadata, "foregroundDeletion");
	if (options->propagation == PROPAGATION_ORPHAN)
		add_finalizer(metadata, "orphan");
	removed = grace_s == 0 && !is_namespace && cJSON_GetArraySize(json_get(metadata, "finalizers")) == 0;
	if (ret_removed)
		*ret_removed = removed;
	if (removed)
		return sim_objects_remove(sim, object, ret_object);
	if (!object->deleting || grace_s < json_int_at(metadata, "deletionGracePeriodSeconds", 0))
		mark_deleted(tree, grace_s);
	if (is_namespace) {
		sim_tree_drop(metadata, "deletionGracePeriodSeconds");
		sim_tree_set_string(sim_tree_child(tree, "status"), "phase", "Terminating");
	}
	rc = sim_objects_replace(sim, object, tree, ret_object);
	return rc;
}

void sim_objects_delete_now(struct sim *sim, const struct sim_object *object)
{
	static const struct sim_delete_options options = { .propagation = PROPAGATION_BACKGROUND, .grace_s = -1 };
	enum rc rc;

	do {
		cleanup_object struct sim_object *now = get_again(sim, object);

		rc = now && !now->deleting ? sim_objects_delete(sim, now, &options, NULL, NULL) : RC_OK;
	} while (rc == RC_CONFLICT);
}

void sim_objects_make_namespace(struct sim *sim, const char *name)
{
	const struct sim_kind *kind = &sim_kinds[SIM_NAMESPACE];
	cleanup_json cJSON *tree = cJSON_CreateObject();
	cleanup_object struct sim_object *made = NULL;

	sim_tree_set_string(sim_tree_child(tree, "metadata"), "name", name);
	sim_objects_stamp(kind, tree, "");
	kind->set_defaults(tree);
	if (sim_objects_insert(sim, kind, tree, &made))
		return; /* it is there already */
}
