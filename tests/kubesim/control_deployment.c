/*
 * Deployments: one ReplicaSet for each template, the newest scaled up while the others are scaled down, and a status.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define HASH_LABEL "pod-template-hash"
#define REVISION "deployment.kubernetes.io/revision"
#define DESIRED "deployment.kubernetes.io/desired-replicas"
#define MAX_REPLICAS "deployment.kubernetes.io/max-replicas"
#define HASH_MAX 12 /* bytes of a template's hash with the NUL */

/* One ReplicaSet of the Deployment. */
struct revision {
	struct sim_object *object; /* borrowed from the list */
	cJSON *tree;
	int64_t spec;     /* replicas wanted */
	int64_t replicas; /* replicas there */
	int64_t available;
};

/* One look at a Deployment and all that belongs to it. */
struct rollout {
	struct sim *sim;
	const struct sim_object *object;
	cJSON *tree;
	struct sim_list list;
	struct revision *revisions;
	size_t count;
	struct revision *newest; /* the one with the Deployment's template; NULL: not there yet */
	char hash[HASH_MAX];
	int64_t wanted;
	int64_t surge;
	int64_t unavailable;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* A hash of the template as the real controller spells it: a number of 32 bits in letters that form no words. */
static void hash_template(const cJSON *template, int64_t collisions, char out[HASH_MAX])
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	cleanup_free char *text = cJSON_PrintUnformatted(template);
	uint32_t hash = 2166136261u;
	char digits[16];

	for (const char *at = text ? text : ""; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	hash ^= (uint32_t)collisions * 2654435761u;
	snprintf(digits, sizeof(digits), "%" PRIu32, hash);
	for (size_t i = 0; i <= strlen(digits); i++)
		out[i] = digits[i] ? alphabet[(unsigned char)digits[i] % (sizeof(alphabet) - 1)] : '\0';
}

/* "25%" of `total`, or a number. */
static int64_t resolve(const cJSON *value, int64_t total, bool up, int64_t otherwise)
{
	int64_t number;

	if (json_is_int(value, &number))
		return number;
	if (!cJSON_IsString(value))
		return otherwise;
	number = strtoll(value->valuestring, NULL, 10) * total;
	return up ? (number + 99) / 100 : number / 100;
}

static void read_strategy(struct rollout *r)
{
	const cJSON *rolling = json_at(r->tree, "spec.strategy.rollingUpdate");

	r->wanted = json_int_at(r->tree, "spec.replicas", 1);
	r->surge = resolve(json_get(rolling, "maxSurge"), r->wanted, true, 0);
	r->unavailable = resolve(json_get(rolling, "maxUnavailable"), r->wanted, false, 0);
	if (r->surge == 0 && r->unavailable == 0)
		r->unavailable = 1;
}

static bool read_revisions(struct rollout *r)
{
	if (sim_store_dependents(r->sim->store, r->object->uid, &sim_kinds[SIM_REPLICASET], &r->list))
		return false;
	r->revisions = calloc(r->list.count + 1, sizeof(struct revision));
	if (!r->revisions)
		return false;
	r->count = r->list.count;
	for (size_t i = 0; i < r->count; i++) {
		struct revision *v = &r->revisions[i];
		const char *hash = sim_object_label(r->list.objects[i], HASH_LABEL);

		v->object = r->list.objects[i];
		v->tree = sim_object_tree(v->object);
		v->spec = json_int_at(v->tree, "spec.replicas", 0);
		v->replicas = json_int_at(v->tree, "status.replicas", 0);
		v->available = json_int_at(v->tree, "status.availableReplicas", 0);
		if (hash && strcmp(hash, r->hash) == 0)
			r->newest = v;
	}
	return true;
}

static void clear(struct rollout *r)
{
	for (size_t i = 0; i < r->count; i++)
		cJSON_Delete(r->revisions[i].tree);
	free(r->revisions);
	sim_list_clear(&r->list);
	cJSON_Delete(r->tree);
}

static int64_t revision_of(const cJSON *tree)
{
	const char *text = cJSON_GetStringValue(json_get(json_at(tree, "metadata.annotations"), REVISION));
	int64_t number;

	return text && str_parse_int64(text, &number) ? number : 0;
}

static int64_t next_revision(const struct rollout *r)
{
	int64_t highest = 0;

	for (size_t i = 0; i < r->count; i++)
		if (&r->revisions[i] != r->newest && revision_of(r->revisions[i].tree) > highest)
			highest = revision_of(r->revisions[i].tree);
	return highest + 1;
}

static int64_t sum(const struct rollout *r, size_t offset)
{
	int64_t total = 0;

	for (size_t i = 0; i < r->count; i++)
		total += *(const int64_t *)(const void *)((const char *)&r->revisions[i] + offset);
	return total;
}

/* ---- ReplicaSets ------------------------------------------------------------------------------------------------- */

static void set_number(cJSON *object, const char *key, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	sim_tree_set_string(object, key, text);
}

static void annotate(const struct rollout *r, cJSON *tree, int64_t revision)
{
	cJSON *annotations = sim_tree_child(sim_tree_child(tree, "metadata"), "annotations");

	set_number(annotations, DESIRED, r->wanted);
	set_number(annotations, MAX_REPLICAS, r->wanted + r->surge);
	set_number(annotations, REVISION, revision);
}

static void announce_scale(const struct rollout *r, const char *name, int64_t from, int64_t to)
{
	char message[400];

	snprintf(message, sizeof(message), "Scaled %s replica set %s from %" PRId64 " to %" PRId64,
		 to > from ? "up" : "down", name, from, to);
	sim_event(r->sim, r->object, true, "ScalingReplicaSet", "deployment-controller", message);
}

/* How many the newest ReplicaSet may have, beside the `others` that there are. */
static int64_t allowed_for_newest(const struct rollout *r, int64_t now, int64_t total)
{
	int64_t room = r->wanted + r->surge - total;

	if (str_equal(json_string_at(r->tree, "spec.strategy.type"), "Recreate"))
		return total - now > 0 ? now : r->wanted;
	if (now > r->wanted || room <= 0)
		return now > r->wanted ? r->wanted : now;
	return now + room < r->wanted ? now + room : r->wanted;
}

/* A ReplicaSet of that name belongs to somebody else: hash differently next time. */
static void count_collision(const struct rollout *r)
{
	cJSON *status = sim_tree_child(r->tree, "status");

	sim_tree_set_int(status, "collisionCount", json_int_at(status, "collisionCount", 0) + 1);
	if (sim_objects_replace(r->sim, r->object, r->tree, NULL))
		sim_store_touch(r->sim->store, r->object, 0);
}

static cJSON *make_replicaset(const struct rollout *r, const char *name, int64_t replicas)
{
	cJSON *tree = cJSON_CreateObject();
	cJSON *metadata = sim_tree_child(tree, "metadata");
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *template;
	cJSON *selector;

	sim_tree_set_string(metadata, "name", name);
	template = sim_tree_set(spec, "template", sim_tree_copy(json_at(r->tree, "spec.template")));
	sim_tree_set_string(sim_tree_child(sim_tree_child(template, "metadata"), "labels"), HASH_LABEL, r->hash);
	sim_tree_set(metadata, "labels", sim_tree_copy(json_at(template, "metadata.labels")));
	annotate(r, tree, next_revision(r));
	sim_owner_add(metadata, r->object);
	sim_tree_set_int(spec, "replicas", replicas);
	selector = sim_tree_set(spec, "selector", sim_tree_copy(json_at(r->tree, "spec.selector")));
	sim_tree_set_string(sim_tree_child(selector, "matchLabels"), HASH_LABEL, r->hash);
	return tree;
}

static void create_newest(struct rollout *r)
{
	const struct sim_kind *kind = &sim_kinds[SIM_REPLICASET];
	int64_t replicas = allowed_for_newest(r, 0, sum(r, offsetof(struct revision, spec)));
	cleanup_json cJSON *tree = NULL;
	char name[300];
	char ns[256];

	snprintf(ns, sizeof(ns), "%.*s", (int)r->object->namespace_len, r->object->key);
	snprintf(name, sizeof(name), "%s-%s", r->object->name, r->hash);
	tree = make_replicaset(r, name, replicas);
	sim_objects_stamp(kind, tree, ns);
	kind->set_defaults(tree);
	if (sim_objects_insert(r->sim, kind, tree, NULL))
		count_collision(r);
	else if (replicas)
		announce_scale(r, name, 0, replicas);
}

static void scale(struct rollout *r, struct revision *v, int64_t replicas)
{
	cJSON *metadata = json_get(v->tree, "metadata");
	int64_t before = v->spec;

	if (v == r->newest)
		annotate(r, v->tree, next_revision(r));
	sim_tree_set_int(json_get(v->tree, "spec"), "replicas", replicas);
	if (replicas != before)
		sim_tree_set_int(metadata, "generation", json_int_at(metadata, "generation", 1) + 1);
	if (sim_objects_replace(r->sim, v->object, v->tree, NULL)) {
		sim_store_touch(r->sim->store, r->object, 1);
		return;
	}
	v->spec = replicas;
	if (replicas != before)
		announce_scale(r, v->object->name, before, replicas);
}

/* Take Pods from older ReplicaSets, as many as can be spared; those that do not work first. */
static void scale_down_old(struct rollout *r)
{
	int64_t spare = sum(r, offsetof(struct revision, spec)) - (r->wanted - r->unavailable) -
			(r->newest->spec - r->newest->available);
	bool recreate = str_equal(json_string_at(r->tree, "spec.strategy.type"), "Recreate");

	for (size_t i = 0; i < r->count; i++) {
		struct revision *v = &r->revisions[i];
		int64_t broken = v->spec - v->available;
		int64_t take = recreate ? v->spec : spare < v->spec ? spare : v->spec;

		if (v == r->newest || v->spec == 0)
			continue;
		if (take < broken && !recreate)
			take = broken < v->spec && spare < broken ? (spare > 0 ? spare : 0) : broken;
		if (take <= 0)
			continue;
		spare -= take;
		scale(r, v, v->spec - take);
	}
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static void set_count(cJSON *status, const char *key, int64_t count)
{
	if (count > 0)
		sim_tree_set_int(status, key, count);
	else
		sim_tree_drop(status, key);
}

static void set_counts(const struct rollout *r, cJSON *status)
{
	int64_t replicas = sum(r, offsetof(struct revision, replicas));
	int64_t available = sum(r, offsetof(struct revision, available));
	int64_t terminating = 0;

	for (size_t i = 0; i < r->count; i++)
		terminating += json_int_at(r->revisions[i].tree, "status.terminatingReplicas", 0);
	sim_tree_set_int(status, "observedGeneration", json_int_at(r->tree, "metadata.generation", 1));
	set_count(status, "replicas", replicas);
	set_count(status, "updatedReplicas", r->newest ? r->newest->replicas : 0);
	set_count(status, "readyReplicas", available);
	set_count(status, "availableReplicas", available);
	set_count(status, "unavailableReplicas", replicas - available);
	sim_tree_set_int(status, "terminatingReplicas", terminating);
}

static bool is_complete(const struct rollout *r)
{
	return r->newest && r->newest->replicas == r->wanted &&
	       sum(r, offsetof(struct revision, replicas)) == r->wanted &&
	       sum(r, offsetof(struct revision, available)) == r->wanted;
}

static void set_available(const struct rollout *r, cJSON *conditions)
{
	static const struct sim_condition states[] = {
		{ "Available", false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability." },
		{ "Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability." },
	};
	bool available = sum(r, offsetof(struct revision, available)) >= r->wanted - r->unavailable;

	sim_condition_set(conditions, &states[available], true);
}

/* Milliseconds until the rollout counts as stuck; it may be past. INT64_MAX: not known yet. */
static int64_t progress_left_ms(const struct rollout *r, const cJSON *conditions)
{
	const cJSON *progressing = sim_tree_find(conditions, "type", "Progressing");
	int64_t since_ms;

	if (!clock_parse_rfc3339(json_string_at(progressing, "lastUpdateTime"), &since_ms))
		return INT64_MAX;
	return since_ms + json_int_at(r->tree, "spec.progressDeadlineSeconds", 600) * 1000 - clock_wall_ms();
}

static void set_progressing(const struct rollout *r, cJSON *conditions)
{
	const cJSON *old = sim_tree_find(conditions, "type", "Progressing");
	const char *before = json_string_at(old, "reason");
	const char *words = json_string_at(old, "message");
	const char *name = r->newest ? r->newest->object->name : "";
	struct sim_condition condition = { "Progressing", true, "ReplicaSetUpdated", NULL };
	int64_t left_ms;
	char message[400];

	if (!r->newest)
		return;
	condition.message = message;
	if (is_complete(r)) {
		condition.reason = "NewReplicaSetAvailable";
		snprintf(message, sizeof(message), "ReplicaSet \"%s\" has successfully progressed.", name);
	} else if (str_equal(before, "NewReplicaSetAvailable") && r->newest->spec == r->newest->replicas && words &&
		   strstr(words, name)) {
		return; /* it was complete once: a Pod that is lost later is no rollout */
	} else {
		snprintf(message, sizeof(message), "ReplicaSet \"%s\" is progressing.", name);
		left_ms = progress_left_ms(r, conditions);
		if (str_equal(before, "ProgressDeadlineExceeded") || (before && left_ms <= 0)) {
			condition.status = false;
			condition.reason = "ProgressDeadlineExceeded";
			snprintf(message, sizeof(message), "ReplicaSet \"%s\" has timed out progressing.", name);
		} else if (left_ms != INT64_MAX) {
			sim_store_touch(r->sim->store, r->object, left_ms + 1);
		}
	}
	sim_condition_set(conditions, &condition, true);
}

static void set_failure(const struct rollout *r, cJSON *conditions)
{
	cJSON *mine = sim_tree_find(conditions, "type", "ReplicaFailure");

	for (size_t i = 0; i < r->count; i++) {
		const cJSON *theirs = sim_tree_find(json_at(r->revisions[i].tree, "status.conditions"), "type",
						    "ReplicaFailure");
		struct sim_condition condition = { "ReplicaFailure", true, json_string_at(theirs, "reason"),
						   json_string_at(theirs, "message") };

		if (theirs) {
			sim_condition_set(conditions, &condition, true);
			return;
		}
	}
	if (mine)
		cJSON_Delete(cJSON_DetachItemViaPointer(conditions, mine));
}

static void set_status(struct rollout *r)
{
	cJSON *status = sim_tree_child(r->tree, "status");
	cJSON *conditions;

	set_counts(r, status);
	conditions = sim_tree_child_array(status, "conditions");
	set_available(r, conditions);
	set_progressing(r, conditions);
	set_failure(r, conditions);
	if (r->newest)
		set_number(sim_tree_child(json_get(r->tree, "metadata"), "annotations"), REVISION,
			   revision_of(r->newest->tree));
	if (sim_objects_replace(r->sim, r->object, r->tree, NULL) == RC_CONFLICT)
		sim_store_touch(r->sim->store, r->object, 0);
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

static void roll(struct rollout *r)
{
	int64_t wanted_now;

	if (!r->newest) {
		create_newest(r);
		return; /* the new ReplicaSet brings us back */
	}
	wanted_now = allowed_for_newest(r, r->newest->spec, sum(r, offsetof(struct revision, spec)));
	if (str_equal(json_string_at(r->tree, "spec.strategy.type"), "Recreate") &&
	    sum(r, offsetof(struct revision, replicas)) > r->newest->replicas)
		wanted_now = r->newest->spec; /* the old Pods go first */
	if (wanted_now != r->newest->spec || next_revision(r) > revision_of(r->newest->tree))
		scale(r, r->newest, wanted_now);
	scale_down_old(r);
}

void sim_control_deployment(struct sim *sim, const struct sim_object *object)
{
	struct rollout r = { .sim = sim, .object = object, .tree = sim_object_tree(object) };

	if (!r.tree)
		return;
	read_strategy(&r);
	hash_template(json_at(r.tree, "spec.template"), json_int_at(r.tree, "status.collisionCount", 0), r.hash);
	if (read_revisions(&r)) {
		if (!object->deleting)
			roll(&r);
		if (object->deleting || r.newest)
			set_status(&r);
	}
	clear(&r);
}
