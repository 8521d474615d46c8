#include "common/container/workload.h"

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/service_name.h"
#include "common/container/spec_ports.h"

#define ROOT_KIND_HINT "provider_hints.kubernetes.kind"

_Static_assert(SERVICE_NAME_MAX <= WORKLOAD_NAME_MAX, "a name fits");

static enum rc write_deployment(const struct workload_source *source, struct buf *out, struct error *err)
{
	return container_write_deployment(source->id, source->spec, source->run, source->origin, out, err);
}

/* The kinds of roots; the first is the one of a spec that names none of them. */
static const struct root_row {
	enum kube_kind kind;
	enum rc (*write)(const struct workload_source *source, struct buf *out, struct error *err);
} roots[] = {
	{ KUBE_DEPLOYMENT, write_deployment },
};

static enum rc write_service(const struct workload_source *source, const char *name,
			     const struct container_owner *owner, struct buf *out, struct error *err)
{
	return container_write_service(source->id, name, owner, source->spec, source->external_service_type, out, err);
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

/* The objects that a root owns. */
static const struct child_row {
	enum kube_kind kind;
	bool watched;
	bool (*is_wanted)(const cJSON *spec);
	enum rc (*derive_name)(const char *id, char out[WORKLOAD_NAME_MAX], struct error *err);
	enum rc (*write)(const struct workload_source *source, const char *name, const struct container_owner *owner,
			 struct buf *out, struct error *err);
} children[WORKLOAD_ROLE_COUNT] = {
	[WORKLOAD_SERVICE] = { KUBE_SERVICE, true, spec_wants_service, service_name_derive, write_service },
	[WORKLOAD_AUTOSCALER] = { KUBE_AUTOSCALER, false, spec_wants_autoscaler, name_by_id, write_autoscaler },
};

/* ---- what should exist ------------------------------------------------------------------------------------------- */

static const struct root_row *root_of(const cJSON *spec)
{
	const char *hint = json_string_at(spec, ROOT_KIND_HINT);

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (str_equal(hint, kube_kind_name(roots[i].kind)))
			return &roots[i];
	return &roots[0];
}

unsigned workload_wanted(const cJSON *spec)
{
	unsigned wanted = 0;

	for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
		if (children[role].is_wanted(spec))
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
	unsigned wanted = workload_wanted(source->spec);
	enum rc rc = RC_OK;

	*root = (struct workload_object){ .role = WORKLOAD_ROOT, .kind = root_of(source->spec)->kind };
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
	const struct container_owner owner = { .kind = workload->objects[0].kind, .uid = root_uid };

	if (object->role == WORKLOAD_ROOT)
		return root_of(workload->source.spec)->write(&workload->source, out, err);
	return children[object->role].write(&workload->source, object->name, &owner, out, err);
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

/* While no two roles have the same kind, that is all it takes. */
static bool has_role(const struct fact *fact, enum workload_role role)
{
	return fact->kind == children[role].kind;
}

unsigned workload_missing(const struct fact *root, const struct fact *const *facts, size_t count)
{
	unsigned missing = root->wanted & workload_watched_roles();

	for (size_t i = 0; i < count; i++)
		for (int role = WORKLOAD_ROOT + 1; role < WORKLOAD_ROLE_COUNT; role++)
			if (has_role(facts[i], (enum workload_role)role) &&
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

			if (has_role(facts[i], (enum workload_role)role) && !facts[i]->deleting &&
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

		if (facts[i]->deleting || !has_role(facts[i], role))
			continue;
		tie = workload_tie(&root->uid, facts[i]);
		if (tie == WORKLOAD_OWNED)
			return facts[i];
		if (tie == WORKLOAD_OWNERLESS)
			ownerless = facts[i];
	}
	return ownerless;
}

const struct fact *workload_replicaset(const struct kube_uid *root, const struct fact *pod,
				       const struct fact *const *facts, size_t count)
{
	if (pod->kind != KUBE_POD)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (facts[i]->kind == KUBE_REPLICASET && kube_uid_equal(&facts[i]->uid, &pod->owner))
			return kube_uid_equal(&facts[i]->owner, root) ? facts[i] : NULL;
	return NULL;
}

enum workload_holder workload_holder(const cJSON *object, const char *id, const struct kube_uid *root)
{
	struct kube_uid owner = kube_owner_of(object);

	if (kube_uid_equal(&owner, root))
		return WORKLOAD_HELD_BY_ROOT;
	return kube_uid_is_set(&owner) && labels_are_of(object, id) ? WORKLOAD_HELD_BY_PREDECESSOR
								    : WORKLOAD_HELD_BY_OTHERS;
}
