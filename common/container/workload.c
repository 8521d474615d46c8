#include "common/container/workload.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/service_name.h"
#include "common/container/spec_ports.h"

#define ROOT_KIND_HINT "provider_hints.kubernetes.kind"

_Static_assert(SERVICE_NAME_MAX <= WORKLOAD_NAME_MAX, "a name fits");

/* Names are labels of at most 63 bytes, also <id>-<hash of at most 10> of a StatefulSet's Pods (kubernetes#64023). */
#define DEPLOYMENT_ID_MAX 63
#define STATEFULSET_ID_MAX 52

/* The kinds of roots; the first is the default. */
static const struct root_row {
	enum kube_kind kind;
	bool optional;
	enum kube_kind revisions; /* stores earlier templates */
	bool follow;              /* revisions keep annotations up to date while current */
	size_t id_max;
	enum rc (*write)(const char *id, const cJSON *spec, const struct run_state *run,
			 const struct container_origin *origin, struct buf *out, struct error *err);
} roots[] = {
	{ KUBE_DEPLOYMENT, false, KUBE_REPLICASET, true, DEPLOYMENT_ID_MAX, container_write_deployment },
	{ KUBE_STATEFULSET, true, KUBE_CONTROLLER_REVISION, false, STATEFULSET_ID_MAX, container_write_statefulset },
};

static enum rc write_service(const struct workload_source *source, const char *name,
			     const struct container_owner *owner, struct buf *out, struct error *err)
{
	return container_write_service(source->id, name, owner, source->spec, source->external_service_type, out, err);
}

static enum rc write_headless_service(const struct workload_source *source, const char *name,
				      const struct container_owner *owner, struct buf *out, struct error *err)
{
	return container_write_headless_service(source->id, name, owner, source->spec, out, err);
}

static enum rc write_autoscaler(const struct workload_source *source, const char *name,
				const struct container_owner *owner, struct buf *out, struct error *err)
{
	return container_write_autoscaler(source->id, name, owner, source->spec, out, err);
}

static enum rc name_by_id(const char *id, char out[WORKLOAD_NAME_MAX], struct error *err unused)
{
	snprintf(out, WORKLOAD_NAME_MAX, "%s", id);
	return RC_OK;
}

/* Services of other programs may have any name. */
static bool is_ordinary_service(const char *name)
{
	return !service_name_is_headless(name);
}

/* StatefulSets of other programs have their own. */
static bool wants_headless_service(const cJSON *spec)
{
	return workload_root_kind(spec) == KUBE_STATEFULSET;
}

#define ANY_ROOT (1u << KUBE_DEPLOYMENT | 1u << KUBE_STATEFULSET)

/* The objects that a root owns. Roles of the same kind are distinguished by the form of their names. */
static const struct child_row {
	unsigned roots; /* kinds of roots that may have it, as bits */
	enum kube_kind kind;
	bool watched;
	bool (*has_name)(const char *name); /* NULL: any */
	bool (*is_wanted)(const cJSON *spec);
	enum rc (*derive_name)(const char *id, char out[WORKLOAD_NAME_MAX], struct error *err);
	enum rc (*write)(const struct workload_source *source, const char *name, const struct container_owner *owner,
			 struct buf *out, struct error *err);
} children[WORKLOAD_ROLE_COUNT] = {
	[WORKLOAD_SERVICE] = { ANY_ROOT, KUBE_SERVICE, true, is_ordinary_service, spec_ports_want_service,
			       service_name_derive, write_service },
	[WORKLOAD_HEADLESS_SERVICE] = { 1u << KUBE_STATEFULSET, KUBE_SERVICE, true, service_name_is_headless,
					wants_headless_service, service_name_derive_headless, write_headless_service },
	[WORKLOAD_AUTOSCALER] = { ANY_ROOT, KUBE_AUTOSCALER, false, NULL, spec_wants_autoscaler, name_by_id,
				  write_autoscaler },
};

/* ---- what should exist ------------------------------------------------------------------------------------------- */

static const struct root_row *row_of(enum kube_kind kind)
{
	const struct root_row *row = roots;

	while (row->kind != kind)
		row++;
	return row;
}

enum kube_kind workload_root_kind_by_hint(const char *hint)
{
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (str_equal(hint, kube_kind_name(roots[i].kind)))
			return roots[i].kind;
	return roots[0].kind;
}

enum kube_kind workload_root_kind(const cJSON *spec)
{
	return workload_root_kind_by_hint(json_string_at(spec, ROOT_KIND_HINT));
}

size_t workload_id_max(enum kube_kind kind)
{
	return row_of(kind)->id_max;
}

unsigned workload_wanted(enum kube_kind root, const cJSON *spec)
{
	unsigned wanted = 0;

	for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
		if (children[role].roots & 1u << root && children[role].is_wanted(spec))
			wanted |= 1u << role;
	return wanted;
}

enum rc workload_child(enum workload_role role, const char *id, struct workload_object *ret_object, struct error *err)
{
	struct workload_object object = { .role = role, .kind = children[role].kind };
	enum rc rc = children[role].derive_name(id, object.name, err);

	if (!rc)
		*ret_object = object;
	return rc;
}

enum rc workload_make(const struct workload_source *source, struct workload *ret_workload, struct error *err)
{
	struct workload workload = { .source = *source, .count = 1 };
	struct workload_object *root = &workload.objects[0];
	unsigned wanted = workload_wanted(source->root, source->spec);
	enum rc rc = RC_OK;

	*root = (struct workload_object){ .role = WORKLOAD_ROOT, .kind = source->root };
	snprintf(root->name, sizeof(root->name), "%s", source->id);
	for (int role = WORKLOAD_ROOT + 1; !rc && role < WORKLOAD_ROLE_COUNT; role++)
		if (wanted & 1u << role)
			rc = workload_child((enum workload_role)role, source->id, &workload.objects[workload.count++],
					    err);
	if (!rc)
		*ret_workload = workload;
	return rc;
}

enum rc workload_write(const struct workload *workload, const struct workload_object *object, const char *root_uid,
		       struct buf *out, struct error *err)
{
	const struct workload_source *source = &workload->source;
	const struct container_owner owner = { .kind = source->root, .uid = root_uid };

	if (object->role == WORKLOAD_ROOT)
		return row_of(source->root)->write(source->id, source->spec, source->run, source->origin, out, err);
	return children[object->role].write(source, object->name, &owner, out, err);
}

/* ---- the kinds --------------------------------------------------------------------------------------------------- */

unsigned workload_root_kinds(void)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		kinds |= 1u << roots[i].kind;
	return kinds;
}

static unsigned kinds_of(unsigned roles)
{
	unsigned kinds = 0;

	for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
		if (roles & 1u << role)
			kinds |= 1u << children[role].kind;
	return kinds;
}

unsigned workload_child_kinds(void)
{
	return kinds_of(workload_watched_roles());
}

unsigned workload_owned_kinds(void)
{
	return kinds_of(WORKLOAD_ALL_ROLES);
}

unsigned workload_watched_roles(void)
{
	unsigned roles = 0;

	for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
		if (children[role].watched)
			roles |= 1u << role;
	return roles;
}

unsigned workload_optional_kinds(void)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (roots[i].optional)
			kinds |= 1u << roots[i].kind | 1u << roots[i].revisions;
	return kinds;
}

enum kube_kind workload_revision_kind(enum kube_kind kind)
{
	return row_of(kind)->revisions;
}

bool workload_revisions_follow(enum kube_kind kind)
{
	return row_of(kind)->follow;
}

unsigned workload_status_kinds(enum kube_kind kind)
{
	return 1u << workload_revision_kind(kind) | 1u << KUBE_POD;
}

bool workload_is_root(enum kube_kind kind)
{
	return workload_root_kinds() & 1u << kind;
}

int workload_root_from(int kind)
{
	while (kind < KUBE_KIND_COUNT && !workload_is_root((enum kube_kind)kind))
		kind++;
	return kind;
}

/* ---- what exists ------------------------------------------------------------------------------------------------- */

enum workload_tie workload_tie(const struct kube_uid *root, const struct fact *fact)
{
	if (kube_uid_equal(&fact->uid, root))
		return WORKLOAD_IS_ROOT;
	if (!(workload_child_kinds() & 1u << fact->kind))
		return WORKLOAD_UNRELATED;
	if (kube_uid_equal(&fact->owner, root))
		return WORKLOAD_OWNED;
	return kube_uid_is_set(&fact->owner) ? WORKLOAD_UNRELATED : WORKLOAD_OWNERLESS;
}

bool workload_has_role(const struct fact *fact, enum workload_role role)
{
	const struct child_row *row = &children[role];

	return fact->kind == row->kind && (!row->has_name || row->has_name(fact->name));
}

unsigned workload_missing(const struct fact *root, const struct fact *const *facts, size_t count)
{
	unsigned missing = root->wanted & workload_watched_roles();

	for (size_t i = 0; i < count; i++)
		for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
			if (workload_has_role(facts[i], (enum workload_role)role) &&
			    workload_tie(&root->uid, facts[i]) == WORKLOAD_OWNED)
				missing &= ~(1u << role);
	return missing;
}

unsigned workload_stray(const struct fact *root, const struct fact *const *facts, size_t count)
{
	unsigned stray = 0;

	if (!root->made_here || str_equal(root->external_ports, FACT_ALL_PORTS))
		return 0;
	for (size_t i = 0; i < count; i++)
		for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++) {
			struct workload_object object;

			if (workload_has_role(facts[i], (enum workload_role)role) && !facts[i]->deleting &&
			    kube_uid_equal(&facts[i]->owner, &root->uid) &&
			    !workload_child((enum workload_role)role, root->instance_id, &object, NULL) &&
			    str_equal(facts[i]->name, object.name))
				stray |= 1u << role;
		}
	return stray & ~root->wanted;
}

const struct fact *workload_find(const struct fact *root, enum workload_role role, const struct fact *const *facts,
				 size_t count)
{
	const struct fact *ownerless = NULL;

	for (size_t i = 0; i < count; i++) {
		enum workload_tie tie;

		if (facts[i]->deleting || !workload_has_role(facts[i], role))
			continue;
		tie = workload_tie(&root->uid, facts[i]);
		if (tie == WORKLOAD_OWNED)
			return facts[i];
		if (tie == WORKLOAD_OWNERLESS)
			ownerless = facts[i];
	}
	return ownerless;
}

bool workload_root_precedes(int64_t created_ms, enum kube_kind kind, int64_t other_ms, enum kube_kind other)
{
	return created_ms != other_ms ? created_ms < other_ms : kind < other;
}

bool workload_is_younger_twin(const struct fact *root, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct fact *other = facts[i];

		if (workload_is_root(other->kind) && other->kind != root->kind && !other->deleting &&
		    strcmp(other->name, root->name) == 0 &&
		    workload_root_precedes(other->created_ms, other->kind, root->created_ms, root->kind))
			return true;
	}
	return false;
}

/* ---- Pods -------------------------------------------------------------------------------------------------------- */

static const struct fact *find_replicaset(const struct fact *pod, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_REPLICASET && kube_uid_equal(&facts[i]->uid, &pod->owner))
			return facts[i];
	return NULL;
}

uint64_t workload_newest_rollout(const struct fact *root, const struct fact *const *facts, size_t count)
{
	uint64_t newest = root->rollout;

	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_REPLICASET && kube_uid_equal(&facts[i]->owner, &root->uid) &&
		    facts[i]->rollout > newest)
			newest = facts[i]->rollout;
	return newest;
}

enum workload_pod workload_pod(const struct fact *root, uint64_t newest, const struct fact *pod,
			       const struct fact *const *facts, size_t count)
{
	const struct fact *replicaset;

	if (pod->kind != KUBE_POD)
		return WORKLOAD_POD_OTHER;
	if (kube_uid_equal(&pod->owner, &root->uid))
		return newest && pod->rollout != newest ? WORKLOAD_POD_OLD : WORKLOAD_POD_CURRENT;
	replicaset = find_replicaset(pod, facts, count);
	if (!replicaset || !kube_uid_equal(&replicaset->owner, &root->uid))
		return WORKLOAD_POD_OTHER;
	return replicaset->rollout < newest ? WORKLOAD_POD_OLD : WORKLOAD_POD_CURRENT;
}

bool workload_has_pod(const struct kube_uid *root, const struct fact *pod, const struct fact *const *facts,
		      size_t count)
{
	const struct fact as_root = { .uid = *root };

	return workload_pod(&as_root, 0, pod, facts, count) != WORKLOAD_POD_OTHER;
}

int32_t workload_revision(const struct fact *root, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_CONTROLLER_REVISION && kube_uid_equal(&facts[i]->owner, &root->uid) &&
		    facts[i]->rollout == root->rollout)
			return facts[i]->revision;
	return root->revision;
}

enum workload_holder workload_holder(const cJSON *object, const char *id, const struct kube_uid *root)
{
	struct kube_uid owner = kube_uid_of_owner(object);

	if (kube_uid_equal(&owner, root))
		return WORKLOAD_HELD_BY_ROOT;
	return kube_uid_is_set(&owner) && labels_are_of(object, id) ? WORKLOAD_HELD_BY_PREDECESSOR
								    : WORKLOAD_HELD_BY_OTHERS;
}
