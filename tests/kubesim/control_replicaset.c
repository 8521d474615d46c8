/*
 * ReplicaSets: maintain the number of Pods and the status.
 */
#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define RETRY_MS 1000 /* after a Pod was rejected */

/* The Pods of one ReplicaSet, counted. */
struct tally {
	struct sim_list
		*pods; /* active Pods first (neither finished nor terminating), unready ones before ready ones */
	int64_t active;
	int64_t ready;
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

static void swap(struct sim_list *list, int64_t a, int64_t b)
{
	struct sim_object *object = list->objects[a];

	list->objects[a] = list->objects[b];
	list->objects[b] = object;
}

static struct tally tally_pods(struct sim_list *pods)
{
	struct tally t = { .pods = pods };

	for (size_t i = 0; i < pods->count; i++) {
		cleanup_json cJSON *tree = sim_object_tree(pods->objects[i]);

		if (pods->objects[i]->deleting || pod_is_finished(tree))
			continue;
		swap(pods, (int64_t)i, t.active);
		if (pod_is_ready(tree))
			t.ready++;
		else
			swap(pods, t.active, t.active - t.ready);
		t.active++;
	}
	return t;
}

/* Create one Pod. False, with the reason in `message`, if it is rejected. */
static bool create_pod(struct sim *sim, const struct sim_object *rs, const cJSON *tree, char message[SIM_REFUSAL_MAX])
{
	const struct sim_kind *kind = &sim_kinds[SIM_POD];
	cleanup_json cJSON *pod = cJSON_CreateObject();
	cleanup_object struct sim_object *made = NULL;
	cJSON *metadata = sim_tree_set(pod, "metadata", sim_tree_copy(json_at(tree, "spec.template.metadata")));
	char base[300];
	char text[400];

	snprintf(base, sizeof(base), "%s-", rs->name);
	if (sim_faults_refuse(sim, kind, base, message)) {
		sim_event(sim, rs, false, "FailedCreate", "replicaset-controller", message);
		return false;
	}
	sim_tree_set_string(metadata, "generateName", base);
	sim_tree_set(pod, "spec", sim_tree_copy(json_at(tree, "spec.template.spec")));
	sim_owner_add(metadata, rs);
	sim_objects_stamp(kind, pod, rs->ns);
	kind->set_defaults(pod);
	if (sim_objects_insert(sim, kind, pod, &made)) {
		snprintf(message, SIM_REFUSAL_MAX, "pods \"%s\" already exists", json_string_at(metadata, "name"));
		return false;
	}
	snprintf(text, sizeof(text), "Created pod: %s", made->name);
	sim_event(sim, rs, true, "SuccessfulCreate", "replicaset-controller", text);
	return true;
}

/* Create or delete Pods. Returns whether all succeeded; otherwise `message` contains the reason. */
static bool adjust(struct sim *sim, const struct sim_object *rs, const cJSON *tree, const struct tally *t,
		   char message[SIM_REFUSAL_MAX])
{
	int64_t wanted = json_int_at(tree, "spec.replicas", 1);
	char text[400];

	for (int64_t i = t->active; i < wanted; i++) {
		if (!create_pod(sim, rs, tree, message)) {
			sim_store_touch(sim->store, rs, RETRY_MS);
			return false;
		}
	}
	for (int64_t i = 0; i < t->active - wanted; i++) {
		snprintf(text, sizeof(text), "Deleted pod: %s", t->pods->objects[i]->name);
		sim_objects_delete_now(sim, t->pods->objects[i], rs);
		sim_event(sim, rs, true, "SuccessfulDelete", "replicaset-controller", text);
	}
	return true;
}

static void set_status(cJSON *tree, const struct tally *t, const char *failure)
{
	cJSON *status = sim_tree_child(tree, "status");
	cJSON *conditions = sim_tree_child_array(status, "conditions");
	struct sim_condition condition = { "ReplicaFailure", true, "FailedCreate", failure };

	sim_tree_set_int(status, "replicas", t->active);
	sim_tree_set_count(status, "readyReplicas", t->ready);
	sim_tree_set_count(status, "availableReplicas", t->ready);
	sim_tree_set_int(status, "observedGeneration", json_int_at(tree, "metadata.generation", 1));
	if (failure)
		sim_condition_set(conditions, &condition);
	else
		sim_condition_drop(conditions, "ReplicaFailure");
}

void sim_control_replicaset(struct sim *sim, struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	char message[SIM_REFUSAL_MAX] = "";
	struct sim_list pods = { 0 };
	struct tally t;
	bool done = true;

	if (!tree || sim_store_dependents(sim->store, object->uid, &sim_kinds[SIM_POD], &pods))
		return;
	t = tally_pods(&pods);
	if (!object->deleting)
		done = adjust(sim, object, tree, &t, message);
	set_status(tree, &t, done ? NULL : message);
	sim_list_clear(&pods);
	(void)sim_objects_update(sim, object, tree); /* otherwise this object is re-queued */
}
