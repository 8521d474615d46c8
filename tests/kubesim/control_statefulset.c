/*
 * StatefulSets: a Pod for each ordinal, replaced from the last one when the template changes, a ControllerRevision
 * for each template, and a status.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define COMPONENT "statefulset-controller"
#define HASH_LABEL "controller.kubernetes.io/hash" /* on ControllerRevisions */
#define REVISION_LABEL "controller-revision-hash"  /* on Pods: the name of one */
#define NAME_LABEL_OF_POD "statefulset.kubernetes.io/pod-name"
#define INDEX_LABEL "apps.kubernetes.io/pod-index"
#define RETRY_MS 1000    /* after a Pod was rejected */
#define NAME_AGAIN_MS 20 /* until the object of a predecessor with the name may be deleted */
#define NAME_MAX 300

/* A Pod of the set. */
struct replica {
	struct sim_object *object; /* borrowed from the list; NULL: none */
	int64_t ordinal;
	bool ready;
	bool finished; /* Failed or Succeeded */
};

/* A StatefulSet and its dependents. */
struct set {
	struct sim *sim;
	const struct sim_object *object;
	cJSON *tree;
	struct sim_list pods;
	struct sim_list revisions;
	struct replica *replicas;  /* of the required ordinals */
	struct replica *condemned; /* the others, the highest ordinal first */
	size_t condemned_count;
	int64_t wanted;
	bool parallel;
	char update[NAME_MAX]; /* the name of the newest ControllerRevision */
	int64_t revision;      /* and its number */
};

/* ---- revisions --------------------------------------------------------------------------------------------------- */

static int64_t revision_of(const struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);

	return json_int_at(tree, "revision", 0);
}

static int64_t highest_revision(const struct set *s, const struct sim_object *except)
{
	int64_t highest = 0;

	for (size_t i = 0; i < s->revisions.count; i++)
		if (s->revisions.objects[i] != except && revision_of(s->revisions.objects[i]) > highest)
			highest = revision_of(s->revisions.objects[i]);
	return highest;
}

/* The template as a patch, with the current annotations of the set; later annotations are not added. */
static void create_revision(struct set *s, const char *hash)
{
	const struct sim_kind *kind = &sim_kinds[SIM_CONTROLLER_REVISION];
	cleanup_json cJSON *tree = cJSON_CreateObject();
	cJSON *metadata = sim_tree_child(tree, "metadata");
	cJSON *spec = sim_tree_child(sim_tree_child(tree, "data"), "spec");
	cJSON *template = sim_tree_set(spec, "template", sim_tree_copy(json_at(s->tree, "spec.template")));
	cJSON *labels = sim_tree_set(metadata, "labels", sim_tree_copy(json_at(template, "metadata.labels")));

	sim_tree_set_string(template, "$patch", "replace");
	sim_tree_set_string(metadata, "name", s->update);
	sim_tree_set_string(labels, HASH_LABEL, hash);
	if (json_at(s->tree, "metadata.annotations"))
		sim_tree_set(metadata, "annotations", sim_tree_copy(json_at(s->tree, "metadata.annotations")));
	sim_owner_add(metadata, s->object);
	s->revision = highest_revision(s, NULL) + 1;
	sim_tree_set_int(tree, "revision", s->revision);
	sim_objects_stamp(kind, tree, s->object->ns);
	if (sim_objects_insert(s->sim, kind, tree, NULL))
		sim_store_touch(s->sim->store, s->object, NAME_AGAIN_MS);
}

/* One that becomes the newest again gets a new number. */
static void renumber(struct set *s, const struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	int64_t highest = highest_revision(s, object);

	s->revision = json_int_at(tree, "revision", 0);
	if (s->revision > highest)
		return;
	s->revision = highest + 1;
	sim_tree_set_int(tree, "revision", s->revision);
	(void)sim_objects_update(s->sim, object, tree); /* otherwise the set is re-queued */
}

static void tend_revisions(struct set *s)
{
	char hash[SIM_TEMPLATE_HASH_MAX];

	sim_template_hash(json_at(s->tree, "spec.template"), hash);
	snprintf(s->update, sizeof(s->update), "%s-%s", s->object->name, hash);
	for (size_t i = 0; i < s->revisions.count; i++) {
		if (!str_equal(sim_object_label(s->revisions.objects[i], HASH_LABEL), hash))
			continue;
		renumber(s, s->revisions.objects[i]);
		return;
	}
	create_revision(s, hash);
}

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

static int64_t ordinal_of(const struct sim_object *pod)
{
	const char *dash = strrchr(pod->name, '-');
	int64_t ordinal;

	return dash && str_parse_int64(dash + 1, &ordinal) ? ordinal : -1;
}

static struct replica read_replica(struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	const cJSON *ready = sim_tree_find(json_at(tree, "status.conditions"), "type", "Ready");
	const char *phase = json_string_at(tree, "status.phase");

	return (struct replica){
		.object = object,
		.ordinal = ordinal_of(object),
		.ready = str_equal(json_string_at(ready, "status"), "True"),
		.finished = str_equal(phase, "Failed") || str_equal(phase, "Succeeded"),
	};
}

static int highest_first(const void *a, const void *b)
{
	int64_t x = ((const struct replica *)a)->ordinal;
	int64_t y = ((const struct replica *)b)->ordinal;

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool read_pods(struct set *s)
{
	s->replicas = calloc((size_t)s->wanted + 1, sizeof(*s->replicas));
	s->condemned = calloc(s->pods.count + 1, sizeof(*s->condemned));
	if (!s->replicas || !s->condemned)
		return false;
	for (size_t i = 0; i < s->pods.count; i++) {
		struct replica replica = read_replica(s->pods.objects[i]);

		if (replica.ordinal >= 0 && replica.ordinal < s->wanted)
			s->replicas[replica.ordinal] = replica;
		else
			s->condemned[s->condemned_count++] = replica;
	}
	qsort(s->condemned, s->condemned_count, sizeof(*s->condemned), highest_first);
	return true;
}

static void announce(const struct set *s, bool well, const char *verb, const char *pod, const char *error)
{
	char message[SIM_REFUSAL_MAX + 2 * NAME_MAX];

	snprintf(message, sizeof(message), "%s Pod %s in StatefulSet %s %s%s", verb, pod, s->object->name,
		 well ? "successful" : "failed error: ", well ? "" : error);
	sim_event(s->sim, s->object, well,
		  !well                       ? "FailedCreate"
		  : str_equal(verb, "create") ? "SuccessfulCreate"
					      : "SuccessfulDelete",
		  COMPONENT, message);
}

static cJSON *make_pod(const struct set *s, const char *name, int64_t ordinal)
{
	cJSON *pod = cJSON_CreateObject();
	cJSON *metadata = sim_tree_set(pod, "metadata", sim_tree_copy(json_at(s->tree, "spec.template.metadata")));
	cJSON *labels = sim_tree_child(metadata, "labels");
	cJSON *spec = sim_tree_set(pod, "spec", sim_tree_copy(json_at(s->tree, "spec.template.spec")));
	const char *service = json_string_at(s->tree, "spec.serviceName");
	char text[NAME_MAX];

	snprintf(text, sizeof(text), "%s-", s->object->name);
	sim_tree_set_string(metadata, "generateName", text);
	sim_tree_set_string(metadata, "name", name);
	snprintf(text, sizeof(text), "%" PRId64, ordinal);
	sim_tree_set_string(labels, INDEX_LABEL, text);
	sim_tree_set_string(labels, REVISION_LABEL, s->update);
	sim_tree_set_string(labels, NAME_LABEL_OF_POD, name);
	sim_tree_set_string(spec, "hostname", name);
	if (service && service[0])
		sim_tree_set_string(spec, "subdomain", service);
	sim_owner_add(metadata, s->object);
	return pod;
}

static void create_pod(struct set *s, int64_t ordinal)
{
	const struct sim_kind *kind = &sim_kinds[SIM_POD];
	char message[SIM_REFUSAL_MAX];
	char name[NAME_MAX];
	cleanup_json cJSON *pod = NULL;

	snprintf(name, sizeof(name), "%s-%" PRId64, s->object->name, ordinal);
	if (sim_faults_refuse(s->sim, kind, name, message)) {
		announce(s, false, "create", name, message);
		sim_store_touch(s->sim->store, s->object, RETRY_MS);
		return;
	}
	pod = make_pod(s, name, ordinal);
	sim_objects_stamp(kind, pod, s->object->ns);
	kind->set_defaults(pod);
	if (sim_objects_insert(s->sim, kind, pod, NULL))
		sim_store_touch(s->sim->store, s->object, NAME_AGAIN_MS);
	else
		announce(s, true, "create", name, "");
}

static void delete_pod(struct set *s, const struct replica *replica)
{
	sim_objects_delete_now(s->sim, replica->object, s->object);
	announce(s, true, "delete", replica->object->name, "");
}

/* ---- reconciling ------------------------------------------------------------------------------------------------- */

/* Create missing Pods. False: wait until the Pod is ready. */
static bool fill(struct set *s)
{
	for (int64_t i = 0; i < s->wanted; i++) {
		struct replica *replica = &s->replicas[i];

		if (!replica->object)
			create_pod(s, i);
		else if (replica->finished && !replica->object->deleting)
			delete_pod(s, replica);
		if (!s->parallel && (!replica->object || replica->object->deleting || !replica->ready))
			return false;
	}
	return true;
}

/* Delete excess Pods. False: one was deleted and the policy is sequential. */
static bool drain(struct set *s)
{
	for (size_t i = 0; i < s->condemned_count; i++) {
		if (!s->condemned[i].object->deleting)
			delete_pod(s, &s->condemned[i]);
		if (!s->parallel)
			return false;
	}
	return true;
}

/* Replace one Pod of an older template, the last one first, once all later ones are ready. */
static void roll(struct set *s)
{
	for (int64_t i = s->wanted - 1; i >= 0; i--) {
		const struct replica *replica = &s->replicas[i];

		if (!replica->object || replica->object->deleting)
			return;
		if (!str_equal(sim_object_label(replica->object, REVISION_LABEL), s->update)) {
			delete_pod(s, replica);
			return;
		}
		if (!replica->ready)
			return;
	}
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static void set_status(struct set *s)
{
	cJSON *status = sim_tree_child(s->tree, "status");
	const char *before = json_string_at(status, "currentRevision");
	cleanup_free char *current = str_dup(before ? before : s->update);
	int64_t ready = 0;
	int64_t of_current = 0;
	int64_t of_update = 0;

	for (size_t i = 0; i < s->pods.count; i++) {
		const struct sim_object *pod = s->pods.objects[i];
		const char *revision = sim_object_label(pod, REVISION_LABEL);

		ready += read_replica(s->pods.objects[i]).ready;
		of_current += !pod->deleting && str_equal(revision, current);
		of_update += !pod->deleting && str_equal(revision, s->update);
	}
	if (of_update == s->wanted && ready == s->wanted) { /* the rollout is complete */
		of_current = of_update;
		free(current);
		current = str_dup(s->update);
	}
	sim_tree_set_int(status, "observedGeneration", json_int_at(s->tree, "metadata.generation", 1));
	sim_tree_set_int(status, "replicas", (int64_t)s->pods.count);
	sim_tree_set_count(status, "readyReplicas", ready);
	sim_tree_set_int(status, "availableReplicas", ready);
	sim_tree_set_count(status, "currentReplicas", of_current);
	sim_tree_set_count(status, "updatedReplicas", of_update);
	sim_tree_set_string(status, "currentRevision", current);
	sim_tree_set_string(status, "updateRevision", s->update);
	sim_tree_set_int(status, "collisionCount", 0);
	(void)sim_objects_update(s->sim, s->object, s->tree); /* otherwise this object is re-queued */
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static bool is_in_use(const struct set *s, const char *revision)
{
	if (str_equal(revision, s->update) || str_equal(revision, json_string_at(s->tree, "status.currentRevision")))
		return true;
	for (size_t i = 0; i < s->pods.count; i++)
		if (str_equal(sim_object_label(s->pods.objects[i], REVISION_LABEL), revision))
			return true;
	return false;
}

/* Of the unused ones, only the newest are kept. */
static void truncate_history(struct set *s)
{
	int64_t limit = json_int_at(s->tree, "spec.revisionHistoryLimit", 10);
	struct sim_object *oldest = NULL;
	int64_t spare = 0;

	for (size_t i = 0; i < s->revisions.count; i++) {
		struct sim_object *object = s->revisions.objects[i];

		if (is_in_use(s, object->name))
			continue;
		spare++;
		if (!oldest || revision_of(object) < revision_of(oldest))
			oldest = object;
	}
	if (spare <= limit)
		return;
	sim_objects_delete_now(s->sim, oldest, s->object);
	sim_store_touch(s->sim->store, s->object, 1);
}

static void clear(struct set *s)
{
	free(s->replicas);
	free(s->condemned);
	sim_list_clear(&s->pods);
	sim_list_clear(&s->revisions);
	cJSON_Delete(s->tree);
}

void sim_control_statefulset(struct sim *sim, struct sim_object *object)
{
	struct set s = { .sim = sim, .object = object, .tree = sim_object_tree(object) };

	s.wanted = json_int_at(s.tree, "spec.replicas", 1);
	s.parallel = str_equal(json_string_at(s.tree, "spec.podManagementPolicy"), "Parallel");
	if (s.tree && !object->deleting &&
	    !sim_store_dependents(sim->store, object->uid, &sim_kinds[SIM_POD], &s.pods) &&
	    !sim_store_dependents(sim->store, object->uid, &sim_kinds[SIM_CONTROLLER_REVISION], &s.revisions) &&
	    read_pods(&s)) {
		tend_revisions(&s);
		if (fill(&s) && drain(&s))
			roll(&s);
		set_status(&s);
		truncate_history(&s);
	}
	clear(&s);
}
