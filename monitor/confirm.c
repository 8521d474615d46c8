#include "monitor/confirm.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/container/kube_cache.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/services/log.h"

#define TIMEOUT_MS 5000
#define LIST_PAGE 500
#define NO_FAILURE_MS INT64_C(1000000000000) /* longer than any failure */

struct confirm {
	struct kube_client *kube;
	const char *namespace;
	struct delivery *delivery;
	pthread_t thread;
};

/* ---- the state, from objects that are all read now --------------------------------------------------------------- */

static enum rc read_kind(struct confirm *confirm, struct kube_cache *cache, enum kube_kind kind, const char *id,
			 struct error *err)
{
	const struct kube_page page = {
		.kind = kind,
		.namespace = confirm->namespace,
		.limit = LIST_PAGE,
		.deadline_ms = clock_mono_ms() + TIMEOUT_MS,
		.once = true,
	};

	return kube_cache_read(cache, confirm->kube, &page, id, err);
}

struct look {
	struct reconciled reconciled;
	struct status_rules rules;
};

static void look_at(void *ctx, const struct fact *const *facts, size_t count)
{
	struct look *look = ctx;

	reconcile(facts, count, clock_mono_ms(), &look->rules, NULL, &look->reconciled);
}

/* A failure counts only if FAILED is to be confirmed: only the watch knows its duration. */
static enum rc read_status(struct confirm *confirm, enum kube_kind kind, const cJSON *root,
			   const struct delivery_question *question, enum container_status *ret_status,
			   struct error *err)
{
	struct look look = { .rules = question->rules };
	struct kube_cache *cache = NULL;
	enum rc rc = kube_cache_create(question->type, &cache, err);

	if (rc)
		return rc;
	look.rules.grace_ms = question->status == CONTAINER_FAILED ? 0 : NO_FAILURE_MS;
	rc = kube_cache_add(cache, kind, root, err);
	for (int part = 0; !rc && part < KUBE_KIND_COUNT; part++)
		if (workload_status_kinds(kind) & 1u << part)
			rc = read_kind(confirm, cache, (enum kube_kind)part, question->id, err);
	if (!rc)
		kube_cache_visit(cache, question->id, look_at, &look);
	kube_cache_destroy(cache);
	if (!rc)
		*ret_status = look.reconciled.status;
	return rc;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static enum rc read_object(struct confirm *confirm, enum kube_kind kind, const char *name, struct kube_reply *reply,
			   struct error *err)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	struct kube_request request = { .method = "GET", .once = true };
	enum rc rc;

	kube_path_add(&path, kind, confirm->namespace, name);
	rc = buf_check(&path, err);
	request.path = path.data;
	request.deadline_ms = clock_mono_ms() + TIMEOUT_MS;
	kube_reply_clear(reply);
	return rc ? rc : kube_client_do(confirm->kube, &request, reply, err);
}

/*
 * The live root, of any kind. A kind that an older Role does not allow counts as missing, unless it is the last known
 * kind. Errors: RC_NOT_FOUND no root.
 */
static enum rc read_root(struct confirm *confirm, const struct delivery_question *question, struct kube_reply *ret_root,
			 enum kube_kind *ret_kind, struct error *err)
{
	for (int kind = workload_root_from(0); kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1)) {
		const bool optional = workload_optional_kinds() & 1u << kind && kind != (int)question->kind;
		enum rc rc = read_object(confirm, (enum kube_kind)kind, question->name, ret_root, err);

		*ret_kind = (enum kube_kind)kind;
		if (!rc && labels_are_live(ret_root->object, question->id))
			return RC_OK;
		if (rc && rc != RC_NOT_FOUND && !(rc == RC_PERMISSION_DENIED && optional))
			return rc;
	}
	return RC_NOT_FOUND;
}

static enum delivery_answer ask(struct confirm *confirm, const struct delivery_question *question)
{
	struct kube_reply root cleanup_kube_reply = { 0 };
	enum container_status status = CONTAINER_DELETED;
	struct error err = { 0 };
	enum kube_kind kind;
	enum rc rc = read_root(confirm, question, &root, &kind, &err);

	if (!rc) {
		if (question->status == CONTAINER_DELETED)
			return DELIVERY_REFUTED;
		rc = read_status(confirm, kind, root.object, question, &status, &err);
	}
	if (!rc || rc == RC_NOT_FOUND)
		return status == question->status ? DELIVERY_CONFIRMED : DELIVERY_REFUTED;
	log_warn("cannot read the state of a container; retrying", log_str("id", question->id), log_err(&err));
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
