/*
 * rollback: applies the spec of an earlier revision, except for the replicas.
 */
#include "kube-worker/operation/op.h"

#include <inttypes.h>

#include "kube-worker/change/container_change.h"
#include "kube-worker/change/revisions.h"

/* Keep the current replicas. */
static bool keep_replicas(const cJSON *now, cJSON *then)
{
	int64_t replicas;

	if (spec_replicas(now, &replicas))
		return spec_set_replicas(then, replicas);
	cJSON_DeleteItemFromObjectCaseSensitive(json_at(then, "provider_hints.kubernetes"), "replicas");
	return true;
}

static enum rc become(struct change *change, const struct revision *revision, struct error *err)
{
	const char *restarted = revision_restarted(revision);
	cJSON *spec = NULL;
	enum rc rc = revision_spec(change->root, revision, &spec, err);

	if (rc)
		return rc;
	if (!keep_replicas(change->spec, spec))
		rc = error_no_memory(err);
	cJSON_Delete(change->spec);
	change->spec = spec;
	if (restarted)
		buf_add_str(&change->texts, restarted);
	change->run.restarted = restarted ? change->texts.data : NULL;
	return rc ? rc : buf_check(&change->texts, err);
}

static enum rc decide(void *ctx unused, struct op_call *call, const cJSON *request, struct change *change,
		      struct error *err)
{
	struct revisions revisions cleanup_revisions = { 0 };
	const char *id = json_string_at(request, "id");
	int64_t number = json_int_at(request, "revision", 0);
	const struct revision *item;
	enum rc rc = revisions_read(call, change->root, id, &revisions, err);

	if (rc)
		return rc;
	item = number ? revisions_find(&revisions, number) : revisions_before(&revisions, change->root);
	if (item)
		return become(change, item, err);
	return number ? error_set(err, RC_NOT_FOUND, "container '%s' has no revision %" PRId64, id, number)
		      : error_set(err, RC_NOT_FOUND, "container '%s' has no revision before the current one", id);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	return container_change(call, request, decide, NULL, result, err);
}

static const struct request_member members[] = {
	CHANGE_MEMBERS,
	{ .name = "revision",
	  .type = request_member_is_int,
	  .form = "a whole number from 1",
	  .min = 1,
	  .max = INT32_MAX },
};

const struct op op_rollback = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
