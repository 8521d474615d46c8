/*
 * ReplicaSets: as many Pods as they want, and a status that counts them.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define RETRY_MS 1000      /* after a Pod was refused */
#define CREATE_AT_ONCE 500 /* Pods made in one step */

/* The Pods of one ReplicaSet, counted. */
struct tally {
	int64_t active; /* neither finished nor being deleted */
	int64_t ready;
	int64_t terminating;
	struct sim_list active_pods; /* the ready ones last */
};

static bool pod_is_ready(const cJSON *tree)
{
	return str_equal(json_string_at(sim_tree_find(json_at(tree, "status.conditions"), "type", "Ready"), "status"),
			 "True");
}

static bool pod_is_finished(const cJSON *tree)
{
	const char *phase = json_string_at(tree, "status.phase");

	return str_equal(phase, "Failed") || str_equal(phase, "Succeeded");
}

/* Sort the Pods into those that count and those that do not; unready ones come to the front. */
static void tally_pods(struct sim_list *pods, struct tally *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < pods->count; i++) {
		struct sim_object *pod = pods->objects[i];
		cleanup_json cJSON *tree = sim_object_tree(pod);
		bool finished = pod_is_finished(tree);

		t->terminating += pod->deleting && !finished;
		if (pod->deleting || finished) {
			sim_object_unref(pod);
			continue;
		}
		t->active++;
		pods->objects[kept++] = pod;
		if (pod_is_ready(tree)) {
			t->ready++;
		} else {
			pods->objects[kept - 1] = pods->objects[kept - 1 - (size_t)t->ready];
			pods->objects[kept - 1 - (size_t)t->ready] = pod;
		}
	}
	pods->count = kept;
	t->active_pods = *pods;
}

/* Make one Pod. False, with the reason in `message`, when it is refused. */
static bool create_pod(struct sim *sim, const struct sim_object *rs, const cJSON *tree, char *message, size_t size)
{
	const struct sim_kind *kind = &sim_kinds[SIM_POD];
	cleanup_json cJSON *pod = cJSON_CreateObject();
	cleanup_object struct sim_object *made = NULL;
	cJSON *metadata = sim_tree_set(pod, "metadata", sim_tree_copy(json_at(tree, "spec.template.metadata")));
	char ns[256];
	char base[300];
	char text[400];

	snprintf(ns, sizeof(ns), "%.*s", (int)rs->namespace_len, rs->key);
	snprintf(base, sizeof(base), "%s-", rs->name);
	sim_tree_set_string(metadata, "generateName", base);
	sim_tree_set(pod, "spec", sim_tree_copy(json_at(tree, "spec.template.spec")));
	sim_owner_add(metadata, rs);
	if (sim_faults_refuse(sim, kind, ns, base, message, size)) {
		sim_event(sim, rs, false, "FailedCreate", "replicaset-controller", message);
		return false;
	}
	sim_objects_stamp(kind, pod, ns);
	kind->set_defaults(pod);
	if (sim_objects_insert(sim, kind, pod, &made)) {
		snprintf(message, size, "pods \"%s\" already exists", json_string_at(metadata, "name"));
		return false;
	}
	snprintf(text, sizeof(text), "Created pod: %s", made->name);
	sim_event(sim, rs, true, "SuccessfulCreate", "replicaset-controller", text);
	return true;
}

/* Create or delete Pods. Returns whether all that was wanted was done; else `message` says why not. */
static bool adjust(struct sim *sim, const struct sim_object *rs, const cJSON *tree, struct tally *t, char *message,
		   size_t size)
{
	int64_t wanted = json_int_at(tree, "spec.replicas", 1);
	char text[400];

	if (wanted - t->active > CREATE_AT_ONCE) {
		wanted = t->active + CREATE_AT_ONCE;
		sim_store_touch(sim->store, rs, 1);
	}
	for (int64_t i = t->active; i < wanted; i++) {
		if (!create_pod(sim, rs, tree, message, size)) {
			sim_store_touch(sim->store, rs, RETRY_MS);
			return false;
		}
	}
	for (int64_t i = 0; i < t->active - wanted; i++) {
		const struct sim_object *pod = t->active_pods.objects[i];

		snprintf(text, sizeof(text), "Deleted pod: %s", pod->name);
		sim_objects_delete_now(sim, pod);
		sim_event(sim, rs, true, "SuccessfulDelete", "replicaset-controller", text);
	}
	return true;
}

static void set_count(cJSON *status, const char *key, int64_t count)
{
	if (count)
		sim_tree_set_int(status, key, count);
	else
		sim_tree_drop(status, key);
}

static void set_status(cJSON *tree, const struct tally *t, const char *failure)
{
	cJSON *status = sim_tree_child(tree, "status");
	struct sim_condition condition = { "ReplicaFailure", true, "FailedCreate", failure };
	cJSON *old = sim_tree_find(json_get(status, "conditions"), "type", "ReplicaFailure");

	sim_tree_set_int(status, "replicas", t->active);
	set_count(status, "fullyLabeledReplicas", t->active);
	set_count(status, "readyReplicas", t->ready);
	set_count(status, "availableReplicas", t->ready);
	sim_tree_set_int(status, "terminatingReplicas", t->terminating);
	sim_tree_set_int(status, "observedGeneration", json_int_at(tree, "metadata.generation", 1));
	if (failure)
		sim_condition_set(sim_tree_child_array(status, "conditions"), &condition, false);
	else if (old)
		cJSON_Delete(cJSON_DetachItemViaPointer(json_get(status, "conditions"), old));
	if (cJSON_GetArraySize(json_get(status, "conditions")) == 0)
		sim_tree_drop(status, "conditions");
}

void sim_control_replicaset(struct sim *sim, const struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	struct sim_list pods = { 0 };
	struct tally t = { 0 };
	char message[800] = "";
	bool done = true;

	if (!tree || sim_store_dependents(sim->store, object->uid, &sim_kinds[SIM_POD], &pods))
		return;
	tally_pods(&pods, &t);
	if (!object->deleting && sim_store_orphan_wait_ms(sim->store, object) < 0)
		done = adjust(sim, object, tree, &t, message, sizeof(message));
	set_status(tree, &t, done ? NULL : message);
	sim_list_clear(&t.active_pods);
	if (sim_objects_replace(sim, object, tree, NULL) == RC_CONFLICT)
		sim_store_touch(sim->store, object, 0);
}
