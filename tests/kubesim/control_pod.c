/*
 * Pods: the scheduler and the kubelet. Pods fail as on the simulated node of tests/cluster: determined by the image;
 * the labels dcm-test/start-delay and dcm-test/stop-delay set the delays.
 */
#include <string.h>

#include "common/base/duration.h"
#include "common/base/strutil.h"
#include "common/container/quantity.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/services.h"
#include "tests/kubesim/tree.h"

#define NODE_NAME "simulated"
#define NODE_IP "10.245.0.1"
#define NODE_CPU_MILLI 100000000 /* thousandths: capacity of the simulated node */
#define RESTARTS 7               /* of a container that crashes */
#define START_DELAY "dcm-test/start-delay"
#define STOP_DELAY "dcm-test/stop-delay"

/* ---- times ------------------------------------------------------------------------------------------------------- */

/* The delay of the Pod, otherwise `otherwise_ms`. */
static int64_t delay_of(const struct sim_object *object, const char *key, int64_t otherwise_ms)
{
	const char *text = sim_object_label(object, key);
	int64_t ms;

	return text && duration_parse_ms(text, &ms) ? ms : otherwise_ms;
}

/* ---- scheduling -------------------------------------------------------------------------------------------------- */

static bool fits(const cJSON *tree)
{
	const cJSON *container = NULL;
	int64_t total = 0;
	int64_t milli;

	cJSON_ArrayForEach (container, json_at(tree, "spec.containers")) {
		const char *cpu = json_string_at(container, "resources.requests.cpu");

		if (cpu && (!quantity_parse(cpu, 1000, &milli) || milli > NODE_CPU_MILLI))
			return false;
		total += cpu ? milli : 0;
	}
	return total <= NODE_CPU_MILLI;
}

static void schedule(struct sim *sim, const struct sim_object *object, cJSON *tree)
{
	static const struct sim_condition placed = { .type = "PodScheduled", .status = true };
	static const struct sim_condition unplaced = {
		.type = "PodScheduled",
		.reason = "Unschedulable",
		.message = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 "
			   "nodes are available: 1 Preemption is not helpful for scheduling.",
	};
	cJSON *conditions = sim_tree_child_array(sim_tree_child(tree, "status"), "conditions");
	bool first = !conditions->child;
	char message[640];

	if (!fits(tree)) {
		sim_condition_set(conditions, &unplaced);
		if (sim_objects_update(sim, object, tree) && first)
			sim_event(sim, object, false, "FailedScheduling", "default-scheduler", unplaced.message);
		return;
	}
	sim_tree_set_string(json_get(tree, "spec"), "nodeName", NODE_NAME);
	sim_condition_set(conditions, &placed);
	snprintf(message, sizeof(message), "Successfully assigned %s to %s", object->key, NODE_NAME);
	if (sim_objects_update(sim, object, tree))
		sim_event(sim, object, true, "Scheduled", "default-scheduler", message);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* The outcome of a container by image. The first row whose word occurs in the image name applies. */
static const struct fate {
	const char *word;
	bool pulled;
	const char *waiting; /* the reason; NULL: running */
} fates[] = {
	{ "nonexistent", false, "ImagePullBackOff" },
	{ "crashloop", true, "CrashLoopBackOff" },
	{ "", true, NULL },
};

static const struct fate *fate_of(const char *image)
{
	size_t i = 0;

	while (!strstr(image, fates[i].word))
		i++;
	return &fates[i];
}

static const char *image_of(const cJSON *container)
{
	const char *image = json_string_at(container, "image");

	return image ? image : "";
}

static void set_waiting(const struct sim_object *object, const struct fate *fate, const char *name, const char *image,
			cJSON *status)
{
	cJSON *waiting = sim_tree_child(sim_tree_child(status, "state"), "waiting");
	char message[1200];
	cJSON *last;

	sim_tree_set_string(waiting, "reason", fate->waiting);
	if (!fate->pulled) {
		snprintf(message, sizeof(message), "Back-off pulling image \"%s\": ErrImagePull: not found", image);
		sim_tree_set_string(waiting, "message", message);
		return;
	}
	snprintf(message, sizeof(message), "back-off 5m0s restarting failed container=%s pod=%s_%s(%s)", name,
		 object->name, object->ns, object->uid);
	sim_tree_set_string(waiting, "message", message);
	last = sim_tree_child(sim_tree_child(status, "lastState"), "terminated");
	sim_tree_set_string(last, "reason", "OOMKilled");
	sim_tree_set_int(last, "exitCode", 137);
	sim_tree_set_now(last, "startedAt");
	sim_tree_set_now(last, "finishedAt");
}

static void add_container_status(const struct sim_object *object, const cJSON *container, cJSON *statuses)
{
	cJSON *status = sim_tree_append_object(statuses);
	const char *name = json_string_at(container, "name");
	const char *image = image_of(container);
	const struct fate *fate = fate_of(image);
	char id[300];

	sim_tree_set_string(status, "name", name);
	sim_tree_child(status, "state");
	sim_tree_child(status, "lastState");
	sim_tree_set_bool(status, "ready", !fate->waiting);
	sim_tree_set_bool(status, "started", !fate->waiting);
	sim_tree_set_int(status, "restartCount", fate->pulled && fate->waiting ? RESTARTS : 0);
	sim_tree_set_string(status, "image", image);
	sim_tree_set_string(status, "imageID", fate->pulled ? image : "");
	snprintf(id, sizeof(id), "simulated://%s", name);
	if (fate->pulled)
		sim_tree_set_string(status, "containerID", id);
	if (fate->waiting)
		set_waiting(object, fate, name, image, status);
	else
		sim_tree_set_now(sim_tree_child(sim_tree_child(status, "state"), "running"), "startedAt");
}

static void set_conditions(cJSON *status, const char *unready)
{
	cJSON *conditions = sim_tree_child_array(status, "conditions");
	struct sim_condition condition = { .type = "Ready", .status = !unready };
	char message[300];

	snprintf(message, sizeof(message), "containers with unready status: [%s]", unready ? unready : "");
	if (unready) {
		condition.reason = "ContainersNotReady";
		condition.message = message;
	}
	sim_condition_set(conditions, &condition);
	condition.type = "ContainersReady";
	sim_condition_set(conditions, &condition);
}

static void start(struct sim *sim, const struct sim_object *object, cJSON *tree)
{
	cJSON *status = json_get(tree, "status");
	cJSON *statuses = sim_tree_child_array(status, "containerStatuses");
	const cJSON *container = NULL;
	const char *unready = NULL;
	const char *phase = "Running";
	const char *waiting = NULL;

	cJSON_ArrayForEach (container, json_at(tree, "spec.containers")) {
		const struct fate *fate = fate_of(image_of(container));

		add_container_status(object, container, statuses);
		if (fate->waiting) {
			unready = json_string_at(container, "name");
			waiting = fate->waiting;
		}
		if (!fate->pulled)
			phase = "Pending";
	}
	sim_tree_set_string(status, "phase", phase);
	set_conditions(status, unready);
	sim_tree_set_string(status, "hostIP", NODE_IP);
	sim_set_next_ip(status, "podIP", "10.244");
	sim_tree_set_now(status, "startTime");
	if (!sim_objects_update(sim, object, tree))
		return;
	if (waiting)
		sim_event(sim, object, false, "BackOff", "kubelet", waiting);
	else
		sim_event(sim, object, true, "Started", "kubelet", "Container started");
}

/* Remove a terminating Pod after its grace period. */
static void stop(struct sim *sim, const struct sim_object *object, const cJSON *tree, int64_t deleting_ms)
{
	int64_t grace_ms = json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0) * 1000;
	int64_t wait_ms = delay_of(object, STOP_DELAY, sim->options.pod_stop_ms);

	wait_ms = (wait_ms < grace_ms ? wait_ms : grace_ms) - deleting_ms;
	if (wait_ms > 0)
		sim_store_touch(sim->store, object, wait_ms);
	else if (!json_at(tree, "metadata.finalizers"))
		(void)sim_objects_remove(sim, object); /* otherwise it is re-queued */
}

void sim_control_pod(struct sim *sim, struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	int64_t age_ms;
	int64_t deleting_ms;
	int64_t wait_ms;

	if (!tree || !sim_store_ages(sim->store, object, &age_ms, &deleting_ms))
		return;
	if (object->deleting) {
		stop(sim, object, tree, deleting_ms);
		return;
	}
	if (!json_string_at(tree, "spec.nodeName")) {
		schedule(sim, object, tree);
		return;
	}
	if (!str_equal(json_string_at(tree, "status.phase"), "Pending") || json_at(tree, "status.containerStatuses"))
		return;
	wait_ms = delay_of(object, START_DELAY, sim->options.pod_start_ms) - age_ms;
	if (wait_ms > 0)
		sim_store_touch(sim->store, object, wait_ms);
	else
		start(sim, object, tree);
}
