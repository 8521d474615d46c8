/*
 * restart: changes the template, so that Kubernetes rolls it out. The annotation has time and request: a repeated
 * request is not executed again, even after later updates.
 */
#include "kube-worker/operation/op.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/change/container_change.h"
#include "kube-worker/change/revisions.h"

static bool is_by(const char *restarted, const char *token)
{
	const char *space = restarted ? strchr(restarted, ' ') : NULL;

	return space && str_equal(space + 1, token);
}

/* Only requests with a client's key can be repeated. */
static enum rc was_done(struct op_call *call, const cJSON *request, const struct change *change, bool *ret_done,
			struct error *err)
{
	struct revisions revisions cleanup_revisions = { 0 };
	const char *token = json_string_at(request, "token");
	enum rc rc;

	*ret_done = is_by(change->run.restarted, token);
	if (*ret_done || !str_has_prefix(token, PROTOCOL_TOKEN_KEY))
		return RC_OK;
	rc = revisions_read(call, change->root, json_string_at(request, "id"), &revisions, err);
	for (size_t i = 0; !rc && i < revisions.count; i++)
		*ret_done = *ret_done || is_by(revision_restarted(&revisions.items[i]), token);
	return rc;
}

static enum rc decide(void *ctx unused, struct op_call *call, const cJSON *request, struct change *change,
		      struct error *err)
{
	char now[CLOCK_RFC3339_MAX];
	bool done;
	enum rc rc = was_done(call, request, change, &done, err);

	if (rc || done)
		return rc;
	clock_format_rfc3339(clock_wall_ms(), false, now);
	buf_addf(&change->texts, "%s %s", now, json_string_at(request, "token"));
	change->run.restarted = change->texts.data;
	return buf_check(&change->texts, err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	return container_change(call, request, decide, NULL, result, err);
}

static const struct request_member members[] = { CHANGE_MEMBERS };

const struct op op_restart = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
