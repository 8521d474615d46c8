#include "monitor/confirm.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/kube/kube_client.h"
#include "common/kube/kube_path.h"
#include "common/kube/labels.h"
#include "common/services/log.h"

#define TIMEOUT_MS 5000

struct confirm {
	struct kube_client *kube;
	const char *namespace;
	struct delivery *delivery;
	pthread_t thread;
};

/* Is it still a container of that id, and not being deleted? */
static bool is_container(const cJSON *deployment, const char *id)
{
	const cJSON *labels = json_at(deployment, "metadata.labels");

	return str_equal(cJSON_GetStringValue(json_get(labels, LABEL_MANAGED_BY)), LABEL_MANAGED_BY_VALUE) &&
	       str_equal(cJSON_GetStringValue(json_get(labels, LABEL_SERVICE_TYPE)), LABEL_SERVICE_TYPE_VALUE) &&
	       str_equal(cJSON_GetStringValue(json_get(labels, LABEL_INSTANCE_ID)), id) &&
	       !json_at(deployment, "metadata.deletionTimestamp");
}

static enum delivery_answer ask(struct confirm *confirm, const struct delivery_question *question)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct kube_request request = { .method = "GET", .deadline_ms = clock_mono_ms() + TIMEOUT_MS, .once = true };
	struct error err = { 0 };
	enum rc rc;

	kube_path_add(&path, KUBE_DEPLOYMENT, confirm->namespace, question->name);
	rc = buf_check(&path, &err);
	request.path = path.data;
	if (!rc)
		rc = kube_client_do(confirm->kube, &request, &reply, &err);
	if (rc == RC_NOT_FOUND)
		return DELIVERY_GONE;
	if (!rc)
		return is_container(reply.object, question->id) ? DELIVERY_THERE : DELIVERY_GONE;
	log_warn("cannot ask whether a container is gone; trying again", log_str("id", question->id), log_err(&err));
	return DELIVERY_UNKNOWN;
}

static void *run_confirm(void *ctx)
{
	struct confirm *confirm = ctx;
	struct delivery_question question;

	while (delivery_next_question(confirm->delivery, &question))
		delivery_answer(confirm->delivery, &question, ask(confirm, &question));
	return NULL;
}

enum rc confirm_create(struct kube_auth *auth, const char *namespace, struct delivery *delivery,
		       struct confirm **ret_confirm, struct error *err)
{
	struct confirm *confirm = calloc(1, sizeof(*confirm));
	enum rc rc;

	if (!confirm)
		return error_no_memory(err);
	confirm->namespace = namespace;
	confirm->delivery = delivery;
	rc = kube_client_create(auth, &confirm->kube, err);
	if (!rc)
		rc = thread_start(run_confirm, confirm, &confirm->thread, err);
	if (rc) {
		kube_client_destroy(confirm->kube);
		free(confirm);
		return rc;
	}
	*ret_confirm = confirm;
	return RC_OK;
}

void confirm_destroy(struct confirm *confirm)
{
	if (!confirm)
		return;
	pthread_join(confirm->thread, NULL);
	kube_client_destroy(confirm->kube);
	free(confirm);
}
