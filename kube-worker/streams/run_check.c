#include "kube-worker/streams/run_check.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/operation/op_kube.h"

#define READ_MS 5000
#define SELECTOR_MAX 300 /* "metadata.name=" and the name of a Pod */

/* A container without a status has not run, as in a Pod that is not on a node yet. */
static struct pod_run run_of(const struct fact *pod, const char *container)
{
	struct pod_run run;
	const char *at = pod->runs;

	while (fact_next_run(&at, &run))
		if (strcmp(run.container, container) == 0)
			return run;
	run = (struct pod_run){ .previous = -1 };
	snprintf(run.container, sizeof(run.container), "%s", container);
	return run;
}

static void fail(struct run_check *check, const cJSON *status)
{
	check->state = CHECK_FAILED;
	op_kube_make_public(status, &check->fault);
}

static void take_pod(struct run_check *check, const cJSON *object)
{
	cleanup_free struct fact *pod = NULL;

	if (fact_from_object(KUBE_POD, object, &pod, &check->fault)) {
		fail(check, NULL);
		return;
	}
	check->state = kube_uid_equal(&pod->uid, &check->pod_uid) ? CHECK_SEEN : CHECK_REPLACED;
	check->run = run_of(pod, check->run.container);
}

/* The first of at most one. */
static void take_list(struct run_check *check, const cJSON *list)
{
	const cJSON *pods = json_at(list, "items");

	if (!cJSON_IsArray(pods) && !cJSON_IsNull(pods)) {
		error_set(&check->fault, RC_UNAVAILABLE, "the response is not a list: it has no items");
		fail(check, NULL);
	} else if (pods->child) {
		take_pod(check, pods->child);
	} else {
		check->state = CHECK_GONE;
	}
}

static void on_read(void *ctx, const struct kube_reply *reply, const struct error *err)
{
	struct run_check *check = ctx;

	check->call = NULL;
	check->fault = *err;
	if (err->rc)
		fail(check, reply->object);
	else
		take_list(check, reply->object);
	worker_stream_wake(check->stream);
}

void run_check_start(struct run_check *check, struct worker_stream *stream, const char *namespace, const char *pod,
		     const struct kube_uid *pod_uid, const struct pod_run *run)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	const struct kube_call_taker taker = { .done = on_read, .ctx = check };
	char selector[SELECTOR_MAX];
	enum rc rc;

	*check = (struct run_check){ .state = CHECK_ASKED, .stream = stream, .pod_uid = *pod_uid, .run = *run };
	snprintf(selector, sizeof(selector), "metadata.name=%s", pod);
	kube_path_add(&path, KUBE_POD, namespace, NULL);
	kube_path_add_query(&path, "fieldSelector", selector);
	rc = buf_check(&path, &check->fault);
	if (!rc)
		rc = kube_flow_get(worker_stream_kube(stream), path.data, READ_MS, &taker, &check->call, &check->fault);
	if (!rc)
		return;
	fail(check, NULL);
	worker_stream_wake(stream);
}

void run_check_reset(struct run_check *check)
{
	if (check->call)
		kube_call_cancel(check->call);
	*check = (struct run_check){ .state = CHECK_NONE };
}
