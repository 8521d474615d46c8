/*
 * revision: one revision of the container.
 */
#include "kube-worker/operation/op.h"

#include <inttypes.h>

#include "common/services/json_write.h"
#include "kube-worker/change/revisions.h"
#include "kube-worker/container/container_find.h"

static const struct revision *find_shown(const struct revisions *revisions, int64_t number)
{
	for (size_t i = 0; i < revisions->count && i < REVISIONS_SHOWN_MAX; i++)
		if (revisions->items[i].number == number)
			return &revisions->items[i];
	return NULL;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct root root cleanup_root = { 0 };
	struct revisions revisions cleanup_revisions = { 0 };
	struct json_writer w = json_writer_make(result);
	const char *id = json_string_at(request, "id");
	int64_t number = json_int_at(request, "revision", 0);
	const struct revision *item;
	enum rc rc = container_find(call, id, &root, err);

	if (!rc)
		rc = revisions_read(call, &root, id, &revisions, err);
	if (rc)
		return rc;
	item = find_shown(&revisions, number);
	if (!item)
		return error_set(err, RC_NOT_FOUND, "container '%s' has no revision %" PRId64, id, number);
	rc = revision_write(&w, id, &root, item, err);
	return rc ? rc : buf_check(result, err);
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
	{ .name = "revision",
	  .required = true,
	  .type = request_member_is_int,
	  .form = "a whole number from 1",
	  .min = 1,
	  .max = INT32_MAX },
};

const struct op op_revision = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
