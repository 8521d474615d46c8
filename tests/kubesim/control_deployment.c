/*
 * Deployments: one ReplicaSet for each template, the newest scaled up while the others are scaled down, and a status.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define HASH_LABEL "pod-template-hash"
#define REVISION "deployment.kubernetes.io/revision"
#define REVISION_HISTORY "deployment.kubernetes.io/revision-history"
#define NAME_AGAIN_MS 20 /* until the ReplicaSet of a predecessor may be deleted */

/* Pods of one ReplicaSet, or of all. */
struct counts {
	int64_t spec;     /* wanted */
	int64_t replicas; /* there */
	int64_t available;
};

/* One ReplicaSet of the Deployment. */
struct revision {
	const struct sim_object *object; /* borrowed from the list */
	cJSON *tree;
	struct counts pods;
};

/* A Deployment and its dependents. */
struct rollout {
	struct sim *sim;
	const struct sim_object *object;
	cJSON *tree;
	struct sim_list list;
	struct revision *revisions;
	size_t count;
	struct revision *newest; /* the one with the template of the Deployment; NULL: none yet */
	char hash[SIM_TEMPLATE_HASH_MAX];
	int64_t wanted;
	int64_t surge;       /* maximum number of additional Pods */
	int64_t unavailable; /* and of missing ones */
	bool recreate;       /* all old ones go first */
	struct counts total;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* "25%" of `total`, or a number. */
static int64_t resolve(const cJSON *value, int64_t total, bool up)
{
	const char *percent = cJSON_IsString(value) ? value->valuestring : "25%";
	int64_t number;

	if (json_is_int(value, &number))
		return number;
	number = strtoll(percent, NULL, 10) * total;
	return up ? (number + 99) / 100 : number / 100;
}

static void read_strategy(struct rollout *r)
{
	const cJSON *rolling = json_at(r->tree, "spec.strategy.rollingUpdate");

	r->wanted = json_int_at(r->tree, "spec.replicas", 1);
	r->recreate = str_equal(json_string_at(r->tree, "spec.strategy.type"), "Recreate");
	r->surge = resolve(json_get(rolling, "maxSurge"), r->wanted, true);
	r->unavailable = resolve(json_get(rolling, "maxUnavailable"), r->wanted, false);
	if (r->recreate)
		r->unavailable = r->wanted;
	else if (r->surge == 0 && r->unavailable == 0)
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

		v->object = r->list.objects[i];
		v->tree = sim_object_tree(v->object);
		v->pods.spec = json_int_at(v->tree, "spec.replicas", 0);
		v->pods.replicas = json_int_at(v->tree, "status.replicas", 0);
		v->pods.available = json_int_at(v->tree, "status.availableReplicas", 0);
		r->total.spec += v->pods.spec;
		r->total.replicas += v->pods.replicas;
		r->total.available += v->pods.available;
		if (str_equal(sim_object_label(v->object, HASH_LABEL), r->hash))
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

static cJSON *annotations_of(cJSON *tree)
{
	return sim_tree_child(sim_tree_child(tree, "metadata"), "annotations");
}

static void set_revision(cJSON *tree, int64_t revision)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, revision);
	sim_tree_set_string(annotations_of(tree), REVISION, text);
}

/* A ReplicaSet becomes the newest again and keeps its previous revisions. */
static void note_history(cJSON *tree)
{
	cJSON *annotations = annotations_of(tree);
	const char *before = cJSON_GetStringValue(json_get(annotations, REVISION_HISTORY));
	char text[256];

	snprintf(text, sizeof(text), "%s%s%" PRId64, before ? before : "", before ? "," : "", revision_of(tree));
	sim_tree_set_string(annotations, REVISION_HISTORY, text);
}

/*
 * Copy the annotations of the Deployment to the newest ReplicaSet, which keeps removed ones. True: one is new.
 */
static bool copy_annotations(const struct rollout *r, cJSON *tree)
{
	cJSON *annotations = annotations_of(tree);
	const cJSON *annotation = NULL;
	bool any = false;

	cJSON_ArrayForEach (annotation, json_at(r->tree, "metadata.annotations")) {
		if (str_equal(annotation->string, REVISION) || str_equal(annotation->string, REVISION_HISTORY) ||
		    cJSON_Compare(annotation, json_get(annotations, annotation->string), true))
			continue;
		sim_tree_set_string(annotations, annotation->string, annotation->valuestring);
		any = true;
	}
	return any;
}

/* The revision of the newest ReplicaSet: above all others. */
static int64_t next_revision(const struct rollout *r)
{
	int64_t highest = 0;

	for (size_t i = 0; i < r->count; i++)
		if (&r->revisions[i] != r->newest && revision_of(r->revisions[i].tree) > highest)
			highest = revision_of(r->revisions[i].tree);
	return highest + 1;
}

/* ---- ReplicaSets ------------------------------------------------------------------------------------------------- */

static void announce_scale(const struct rollout *r, const char *name, int64_t from, int64_t to)
{
	char message[400];

	snprintf(message, sizeof(message), "Scaled %s replica set %s from %" PRId64 " to %" PRId64,
		 to > from ? "up" : "down", name, from, to);
	sim_event(r->sim, r->object, true, "ScalingReplicaSet", "deployment-controller", message);
}

/* The permitted size of the newest ReplicaSet, whose current size is `now`. */
static int64_t allowed_for_newest(const struct rollout *r, int64_t now)
{
	int64_t room = r->wanted + r->surge - r->total.spec;

	if (now >= r->wanted)
		return r->wanted;
	room = room < 0 ? 0 : room;
	return now + room < r->wanted ? now + room : r->wanted;
}

static cJSON *make_replicaset(const struct rollout *r, const char *name, int64_t replicas)
{
	cJSON *tree = cJSON_CreateObject();
	cJSON *metadata = sim_tree_child(tree, "metadata");
	cJSON *spec = sim_tree_child(tree, "spec");
	cJSON *template = sim_tree_set(spec, "template", sim_tree_copy(json_at(r->tree, "spec.template")));
	cJSON *labels = sim_tree_child(sim_tree_child(template, "metadata"), "labels");
	cJSON *selector = sim_tree_set(spec, "selector", sim_tree_copy(json_at(r->tree, "spec.selector")));

	sim_tree_set_string(metadata, "name", name);
	sim_tree_set_string(labels, HASH_LABEL, r->hash);
	sim_tree_set(metadata, "labels", sim_tree_copy(labels));
	copy_annotations(r, tree);
	set_revision(tree, next_revision(r));
	sim_owner_add(metadata, r->object);
	sim_tree_set_int(spec, "replicas", replicas);
	sim_tree_set_string(sim_tree_child(selector, "matchLabels"), HASH_LABEL, r->hash);
	return tree;
}

static void create_newest(const struct rollout *r)
{
	const struct sim_kind *kind = &sim_kinds[SIM_REPLICASET];
	int64_t replicas = allowed_for_newest(r, 0);
	cleanup_json cJSON *tree = NULL;
	char name[300];

	snprintf(name, sizeof(name), "%s-%s", r->object->name, r->hash);
	tree = make_replicaset(r, name, replicas);
	sim_objects_stamp(kind, tree, r->object->ns);
	kind->set_defaults(tree);
	if (sim_objects_insert(r->sim, kind, tree, NULL))
		sim_store_touch(r->sim->store, r->object, NAME_AGAIN_MS);
	else
		announce_scale(r, name, 0, replicas);
}

static void scale(struct rollout *r, struct revision *v, int64_t replicas)
{
	cJSON *metadata = json_get(v->tree, "metadata");
	int64_t before = v->pods.spec;

	if (v == r->newest && next_revision(r) > revision_of(v->tree)) {
		note_history(v->tree);
		set_revision(v->tree, next_revision(r));
	}
	sim_tree_set_int(json_get(v->tree, "spec"), "replicas", replicas);
	if (replicas != before)
		sim_tree_set_int(metadata, "generation", json_int_at(metadata, "generation", 1) + 1);
	if (sim_objects_replace(r->sim, v->object, v->tree, NULL)) {
		sim_store_touch(r->sim->store, r->object, 1);
		return;
	}
	v->pods.spec = replicas;
	r->total.spec += replicas - before;
	if (replicas != before)
		announce_scale(r, v->object->name, before, replicas);
}

/* Scale down older ReplicaSets as far as permitted. */
static void scale_down_old(struct rollout *r)
{
	int64_t spare = r->total.spec - (r->wanted - r->unavailable) -
			(r->newest->pods.spec - r->newest->pods.available);

	for (size_t i = 0; i < r->count && spare > 0; i++) {
		struct revision *v = &r->revisions[i];
		int64_t take = spare < v->pods.spec ? spare : v->pods.spec;

		if (v == r->newest || take == 0)
			continue;
		spare -= take;
		scale(r, v, v->pods.spec - take);
	}
}

/* Whether Pods of other ReplicaSets exist, or will be created. */
static bool old_ones_left(struct rollout *r)
{
	bool left = false;

	for (size_t i = 0; i < r->count; i++) {
		struct revision *v = &r->revisions[i];

		if (v == r->newest)
			continue;
		left = left || v->pods.replicas > 0;
		if (v->pods.spec > 0)
			scale(r, v, 0);
	}
	return left;
}

static void roll(struct rollout *r)
{
	bool annotated;
	int64_t wanted_now;

	if (r->recreate && old_ones_left(r))
		return; /* they re-queue this object */
	if (!r->newest) {
		create_newest(r);
		return; /* the new ReplicaSet re-queues this object */
	}
	wanted_now = allowed_for_newest(r, r->newest->pods.spec);
	annotated = copy_annotations(r, r->newest->tree);
	if (annotated || wanted_now != r->newest->pods.spec || next_revision(r) > revision_of(r->newest->tree))
		scale(r, r->newest, wanted_now);
	scale_down_old(r);
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static void set_counts(const struct rollout *r, cJSON *status)
{
	sim_tree_set_int(status, "observedGeneration", json_int_at(r->tree, "metadata.generation", 1));
	sim_tree_set_count(status, "replicas", r->total.replicas);
	sim_tree_set_count(status, "updatedReplicas", r->newest ? r->newest->pods.replicas : 0);
	sim_tree_set_count(status, "readyReplicas", r->total.available);
	sim_tree_set_count(status, "availableReplicas", r->total.available);
	sim_tree_set_count(status, "unavailableReplicas", r->total.replicas - r->total.available);
}

static void set_available(const struct rollout *r, cJSON *conditions)
{
	static const struct sim_condition states[] = {
		{ "Available", false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability." },
		{ "Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability." },
	};

	sim_condition_set(conditions, &states[r->total.available >= r->wanted - r->unavailable]);
}

/* Propagate the condition of a failed ReplicaSet. */
static void set_failure(const struct rollout *r, cJSON *conditions)
{
	for (size_t i = 0; i < r->count; i++) {
		const cJSON *theirs = sim_tree_find(json_at(r->revisions[i].tree, "status.conditions"), "type",
						    "ReplicaFailure");
		struct sim_condition condition = { "ReplicaFailure", true, json_string_at(theirs, "reason"),
						   json_string_at(theirs, "message") };

		if (theirs) {
			sim_condition_set(conditions, &condition);
			return;
		}
	}
	sim_condition_drop(conditions, "ReplicaFailure");
}

static void set_status(const struct rollout *r)
{
	cJSON *status = sim_tree_child(r->tree, "status");
	cJSON *conditions = sim_tree_child_array(status, "conditions");

	set_counts(r, status);
	set_available(r, conditions);
	set_failure(r, conditions);
	if (r->newest)
		set_revision(r->tree, revision_of(r->newest->tree));
	(void)sim_objects_update(r->sim, r->object, r->tree); /* otherwise this object is re-queued */
}

void sim_control_deployment(struct sim *sim, struct sim_object *object)
{
	struct rollout r = { .sim = sim, .object = object, .tree = sim_object_tree(object) };
	bool paused;

	sim_template_hash(json_at(r.tree, "spec.template"), r.hash);
	read_strategy(&r);
	paused = json_true_at(r.tree, "spec.paused"); /* then nothing is rolled out; one template is scaled */
	if (r.tree && read_revisions(&r)) {
		if (!object->deleting && (!paused || (r.newest && r.count == 1)))
			roll(&r);
		if (r.newest || paused)
			set_status(&r);
	}
	clear(&r);
}
