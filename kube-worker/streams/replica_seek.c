#include "kube-worker/streams/replica_seek.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/own_container.h"
#include "common/container/workload.h"
#include "kube-worker/container/root.h"
#include "kube-worker/operation/op_kube.h"

#define LOOK_MS 50 /* interval of cache checks */
#define RETRY_MS 200
#define NAMES_MAX 2048 /* bytes of the list of names in a message */
#define POD_NAME_MAX 254

static void fail(struct replica_seek *s, const char *pointer, const struct error *why)
{
	s->state = SEEK_FAILED;
	s->pointer = pointer;
	s->fault = *why;
}

static void fail_as_unavailable(struct replica_seek *s, const char *text)
{
	struct error err;

	error_set(&err, RC_UNAVAILABLE, "%s", text);
	fail(s, NULL, &err);
}

/* The cache is incomplete: look again later, or tell the reason. */
static void wait_for_cache(struct replica_seek *s)
{
	struct error err;

	if (op_kube_check_cache(s->env, REPLICA_SEEK_KINDS, &err))
		fail(s, NULL, &err);
	else if (clock_mono_ms() - s->started_ms < REPLICA_SEEK_MS)
		s->due_ms = clock_mono_ms() + LOOK_MS;
	else
		fail_as_unavailable(s, "the replicas of the container are not known yet");
}

/* ---- the root ---------------------------------------------------------------------------------------------------- */

/* Roots of other programs have other names, and are in the cache. */
struct foreign_root {
	const char *id;
	struct kube_uid uid;
	char own[64];
};

static void take_root(void *ctx, const struct fact *const *facts, size_t count)
{
	struct foreign_root *root = ctx;

	for (size_t i = 0; i < count && !kube_uid_is_set(&root->uid); i++) {
		if (!workload_is_root(facts[i]->kind) || facts[i]->deleting || strcmp(facts[i]->name, root->id) == 0)
			continue;
		root->uid = facts[i]->uid;
		snprintf(root->own, sizeof(root->own), "%s", facts[i]->spec_name);
	}
}

static void find_foreign(struct replica_seek *s)
{
	struct foreign_root root = { .id = s->id };
	struct error err;

	if (!kube_cache_is_synced(s->env->cache, REPLICA_SEEK_KINDS)) {
		wait_for_cache(s);
		return;
	}
	kube_cache_visit(s->env->cache, s->id, take_root, &root);
	if (!kube_uid_is_set(&root.uid)) {
		error_set(&err, RC_NOT_FOUND, "container '%s' does not exist", s->id);
		fail(s, NULL, &err);
		return;
	}
	s->root_uid = root.uid;
	memcpy(s->own, root.own, sizeof(s->own));
	s->state = SEEK_CACHE;
}

static void use_root(struct replica_seek *s, cJSON *object)
{
	cleanup_json cJSON *skeleton = own_container_skeleton(object);
	const char *own = json_string_at(own_container(object, skeleton), "name");

	s->root = object;
	s->root_uid = kube_uid_parse(json_string_at(object, "metadata.uid"));
	snprintf(s->own, sizeof(s->own), "%s", own ? own : "");
	s->state = SEEK_CACHE;
}

static void on_root(void *ctx, const struct kube_reply *reply, const struct error *err)
{
	struct replica_seek *s = ctx;
	struct error public = *err;
	bool absent = !err->rc || root_is_absent(s->env->cache, s->kinds[s->next_kind], s->id, err->rc);

	s->finding = NULL;
	s->due_ms = 0;
	if (!err->rc && labels_are_live(reply->object, s->id)) {
		use_root(s, cJSON_Duplicate(reply->object, 1));
	} else if (absent && s->next_kind + 1 < s->kind_count) {
		s->next_kind++; /* continued by the next call of the pump */
	} else if (absent) {
		find_foreign(s);
	} else if (err->rc == RC_UNAVAILABLE && clock_mono_ms() - s->started_ms < REPLICA_SEEK_MS) {
		s->due_ms = clock_mono_ms() + RETRY_MS;
	} else {
		op_kube_make_public(reply->object, &public);
		fail(s, NULL, &public);
	}
	worker_stream_wake(s->stream);
}

static void find_root(struct replica_seek *s)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	const struct kube_call_taker taker = { .done = on_root, .ctx = s };
	struct error err;
	enum rc rc;

	if (s->finding || clock_mono_ms() < s->due_ms)
		return;
	if (!s->kind_count)
		s->kind_count = root_kinds(s->env->cache, s->id, s->kinds);
	kube_path_add(&path, s->kinds[s->next_kind], s->env->namespace, s->id);
	rc = buf_check(&path, &err);
	if (!rc)
		rc = kube_flow_get(worker_stream_kube(s->stream), path.data, REPLICA_SEEK_MS, &taker, &s->finding,
				   &err);
	if (!rc)
		return;
	s->due_ms = clock_mono_ms() + RETRY_MS;
	if (clock_mono_ms() - s->started_ms > REPLICA_SEEK_MS)
		fail_as_unavailable(s, "Kubernetes is currently unavailable");
}

/* ---- container and replica --------------------------------------------------------------------------------------- */

/* Unique names, separated by ", ". */
static void add_name(struct buf *names, const char *name)
{
	char marked[80 + POD_NAME_MAX];

	snprintf(marked, sizeof(marked), "'%s'", name);
	if (names->len && strstr(names->data, marked))
		return;
	buf_addf(names, "%s%s", names->len ? ", " : "", marked);
}

struct naming {
	struct buf containers;
	struct buf replicas;
	const struct replica_seek *seek;
	bool container_found;
	bool replica_found;
};

static void name_container(struct naming *n, const char *name)
{
	add_name(&n->containers, name);
	n->container_found = n->container_found || str_equal(n->seek->container, name);
}

static void take_names(void *ctx, const struct fact *const *facts, size_t count)
{
	struct naming *n = ctx;
	struct pod_run run;

	for (size_t i = 0; i < count; i++) {
		const char *at = facts[i]->runs;

		if (!workload_has_pod(&n->seek->root_uid, facts[i], facts, count))
			continue;
		add_name(&n->replicas, facts[i]->name);
		n->replica_found = n->replica_found || str_equal(n->seek->replica, facts[i]->name);
		while (fact_next_run(&at, &run))
			name_container(n, run.container);
	}
}

static void name_template(struct naming *n, const cJSON *root)
{
	static const char *const places[] = { "spec.template.spec.initContainers", "spec.template.spec.containers" };
	const cJSON *container = NULL;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		cJSON_ArrayForEach (container, json_at(root, places[i]))
			if (json_string_at(container, "name"))
				name_container(n, json_string_at(container, "name"));
}

static void check_names(struct replica_seek *s)
{
	struct naming n = { .containers = buf_make(NAMES_MAX), .replicas = buf_make(NAMES_MAX), .seek = s };
	struct error err = { .rc = RC_OK };

	name_template(&n, s->root);
	kube_cache_visit(s->env->cache, s->id, take_names, &n);
	if (s->container && !n.container_found) {
		error_set(&err, RC_INVALID_ARGUMENT, "container '%s' does not exist; existing: %s", s->container,
			  n.containers.len ? n.containers.data : "none");
		fail(s, "container", &err);
	} else if (s->replica && !n.replica_found) {
		error_set(&err, RC_INVALID_ARGUMENT, "replica '%s' does not exist; existing: %s", s->replica,
			  n.replicas.len ? n.replicas.data : "none");
		fail(s, "replica", &err);
	}
	buf_clear(&n.containers);
	buf_clear(&n.replicas);
	if (s->state == SEEK_CACHE)
		s->state = SEEK_FOUND;
}

/* ---- in the cache ------------------------------------------------------------------------------------------------ */

struct root_look {
	const struct kube_uid *uid;
	bool seen;
};

static void look_for_root(void *ctx, const struct fact *const *facts, size_t count)
{
	struct root_look *look = ctx;

	for (size_t i = 0; i < count; i++)
		look->seen = look->seen ||
			     (workload_is_root(facts[i]->kind) && kube_uid_equal(&facts[i]->uid, look->uid));
}

static void look_at_cache(struct replica_seek *s)
{
	bool known = kube_cache_is_synced(s->env->cache, REPLICA_SEEK_KINDS);
	struct root_look look = { .uid = &s->root_uid };

	if (known)
		kube_cache_visit(s->env->cache, s->id, look_for_root, &look);
	if (look.seen)
		check_names(s);
	else
		wait_for_cache(s);
}

/* ---- for streams ------------------------------------------------------------------------------------------------- */

struct replica_seek replica_seek_make(const struct op_env *env, const char *id, const char *container,
				      const char *replica)
{
	return (struct replica_seek){
		.env = env,
		.id = id,
		.container = container,
		.replica = replica,
		.started_ms = clock_mono_ms(),
	};
}

void replica_seek_clear(struct replica_seek *s)
{
	if (s->finding)
		kube_call_cancel(TAKE(s->finding));
	cJSON_Delete(TAKE(s->root));
}

int64_t replica_seek_pump(struct replica_seek *s)
{
	if (s->state == SEEK_ROOT)
		find_root(s);
	if (s->state == SEEK_CACHE)
		look_at_cache(s);
	return s->finding || s->state == SEEK_FOUND || s->state == SEEK_FAILED ? INT64_MAX : s->due_ms;
}
