#include "common/container/pod_message.h"

#include <inttypes.h>

#include "common/base/strutil.h"
#include "common/container/kube_condition.h"

/* Parts are joined by "; ". */
static void begin_part(struct buf *out)
{
	if (out->len)
		buf_add_str(out, "; ");
}

/* A part for a container, prefixed with its name; NULL: no prefix. */
static void begin_part_of(const char *name, struct buf *out)
{
	begin_part(out);
	if (name)
		buf_addf(out, "%s: ", name);
}

/* "reason: message", or the one that exists. */
static void add_reason(const cJSON *at, struct buf *out)
{
	const char *reason = json_string_at(at, "reason");
	const char *message = json_string_at(at, "message");

	buf_addf(out, "%s%s%s", reason ? reason : "", reason && message ? ": " : "", message ? message : "");
}

static void add_terminated(const cJSON *terminated, struct buf *out)
{
	const char *reason = json_string_at(terminated, "reason");

	buf_addf(out, "%s, exit code %" PRId64, reason ? reason : "terminated", json_int_at(terminated, "exitCode", 0));
}

/* alone  the Pod has no other container: its name is omitted unless a reason follows. */
static void add_container(const cJSON *status, bool alone, struct buf *out)
{
	const char *given = json_string_at(status, "name");
	const char *name = given ? given : "container";
	const cJSON *waiting = json_at(status, "state.waiting");
	const cJSON *terminated = json_at(status, "state.terminated");
	const cJSON *last = json_at(status, "lastState.terminated");
	int64_t restarts = json_int_at(status, "restartCount", 0);

	if (waiting && (json_get(waiting, "reason") || json_get(waiting, "message"))) {
		begin_part_of(name, out);
		add_reason(waiting, out);
	}
	if (terminated) {
		begin_part_of(name, out);
		add_terminated(terminated, out);
	}
	if (last) {
		begin_part_of(alone ? NULL : name, out);
		buf_add_str(out, "last run: ");
		add_terminated(last, out);
	}
	if (restarts > 0) {
		begin_part_of(alone ? NULL : name, out);
		buf_addf(out, "%" PRId64 " restart%s", restarts, restarts == 1 ? "" : "s");
	}
}

/* A failed condition with a reason. */
static void add_condition(const cJSON *pod, const char *type, const char *bad_status, struct buf *out)
{
	const cJSON *condition = NULL;

	cJSON_ArrayForEach (condition, json_at(pod, "status.conditions")) {
		if (!str_equal(json_string_at(condition, "type"), type) ||
		    !str_equal(json_string_at(condition, "status"), bad_status) ||
		    (!json_get(condition, "reason") && !json_get(condition, "message")))
			continue;
		begin_part(out);
		add_reason(condition, out);
	}
}

void pod_message_add(const cJSON *pod, struct buf *out)
{
	const cJSON *init = json_at(pod, "status.initContainerStatuses");
	const cJSON *main = json_at(pod, "status.containerStatuses");
	bool alone = cJSON_GetArraySize(init) + cJSON_GetArraySize(main) == 1;
	const cJSON *status = NULL;

	add_reason(json_get(pod, "status"), out); /* Evicted and similar reasons are in the Pod's status */
	add_condition(pod, "PodScheduled", "False", out);
	add_condition(pod, "Ready", "Unknown", out);
	if (kube_condition_node_is_lost(pod)) {
		begin_part(out);
		buf_add_str(out, "the node no longer reports, so the container's state is unknown");
	}
	cJSON_ArrayForEach (status, init)
		add_container(status, alone, out);
	cJSON_ArrayForEach (status, main)
		add_container(status, alone, out);
}
