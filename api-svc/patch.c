#include "api-svc/patch.h"

#include <stdlib.h>
#include <string.h>

#include "api-svc/conditions.h"
#include "api-svc/document/merge_patch.h"
#include "api-svc/document/projection.h"
#include "api-svc/document/rules.h"
#include "api-svc/document/validator.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/strutil.h"

#define SPEC "spec"
#define SPEC_POINTER "/spec"
#define ERRORS_MAX 262144
#define AGAIN_FIRST_MS 8
#define AGAIN_MAX_MS 500

struct patch {
	struct patch_request request;
	char id[PROTOCOL_ID_MAX + 1];
	char token[PROTOCOL_TOKEN_MAX];
	char request_id[PROTOCOL_REQUEST_ID_MAX + 1];
	char traceparent[PROTOCOL_TRACEPARENT_MAX + 1];
	char *if_match;
	cJSON *tree;
	int64_t begun_ms, deadline_ms; /* monotonic */
	struct backoff again;
};

static void patch_free(struct patch *p)
{
	free(p->if_match);
	cJSON_Delete(p->tree);
	free(p);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void finish(struct patch *p, struct worker_reply *reply)
{
	p->request.done(p->request.ctx, p->request.cookie, reply);
	worker_reply_clear(reply);
	patch_free(p);
}

static void fail(struct patch *p, const struct error *err)
{
	struct worker_reply reply = { .error = *err };

	finish(p, &reply);
}

/* The errors of the merged spec, as a reply of a worker. */
static void refuse(struct patch *p, const struct faults *faults)
{
	struct worker_reply reply = { .body = NULL };
	struct buf summary cleanup_buf = buf_make(ERROR_TEXT_MAX);
	struct buf text cleanup_buf = buf_make(ERRORS_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_json cJSON *tree = NULL;

	faults_summary(faults, &summary);
	error_set(&reply.error, RC_INVALID_ARGUMENT, "%s", summary.data);
	json_begin_object(&w, NULL);
	faults_write(faults, &w, "errors", ERRORS_MAX / 2);
	json_end_object(&w);
	if (!buf_check(&text, NULL) && !json_parse(text.data, text.len, &tree, NULL))
		reply.faults = cJSON_DetachItemFromObjectCaseSensitive(tree, "errors");
	finish(p, &reply);
}

/* ---- requests to workers ----------------------------------------------------------------------------------------- */

static void ask(struct patch *p, enum operation operation, const struct buf *body, int64_t delay_ms,
		void (*done)(void *ctx, uint64_t cookie, struct worker_reply *reply))
{
	const struct worker_ask question = {
		.operation = operation,
		.body = body->data,
		.len = body->len,
		.request_id = p->request_id,
		.traceparent = p->traceparent[0] ? p->traceparent : NULL,
		/* Merging requires the version that was read, which only newer workers return. */
		.version = operation == OPERATION_GET || p->if_match ? PROTOCOL_VERSION_NARROWED : PROTOCOL_VERSION,
		.delay_ms = delay_ms,
		.elapsed_ms = clock_mono_ms() - p->begun_ms,
		.timeout_ms = p->deadline_ms - clock_mono_ms(),
		.done = done,
		.ctx = p,
	};
	struct error err;
	enum rc rc = buf_check(body, &err);

	if (!rc)
		rc = worker_client_ask(p->request.client, &question, &err);
	if (rc)
		fail(p, &err);
}

static void on_container(void *ctx, uint64_t cookie, struct worker_reply *reply);

static void ask_container(struct patch *p, int64_t delay_ms)
{
	struct buf body cleanup_buf = buf_make(p->request.request_max);
	struct json_writer w = json_writer_make(&body);

	json_begin_object(&w, NULL);
	json_string(&w, "id", p->id);
	json_end_object(&w);
	ask(p, OPERATION_GET, &body, delay_ms, on_container);
}

static void on_updated(void *ctx, uint64_t cookie unused, struct worker_reply *reply)
{
	struct patch *p = ctx;
	int64_t delay_ms = backoff_next_ms(&p->again);
	struct error err;

	if (reply->error.rc != RC_CONFLICT) {
		finish(p, reply);
	} else if (clock_mono_ms() + delay_ms < p->deadline_ms) {
		ask_container(p, 1 + random_below(delay_ms));
	} else {
		error_set(&err, RC_TIMEOUT, "the container keeps changing; nothing was changed");
		fail(p, &err);
	}
}

static void ask_update(struct patch *p, const char *base, const cJSON *container)
{
	struct buf body cleanup_buf = buf_make(p->request.request_max);
	struct json_writer w = json_writer_make(&body);

	json_begin_object(&w, NULL);
	json_string(&w, "id", p->id);
	json_string(&w, "token", p->token);
	json_string(&w, "base", base);
	conditions_write_if_match(p->if_match, &w);
	projection_write(p->request.schema, container, &w);
	json_end_object(&w);
	ask(p, OPERATION_UPDATE, &body, 0, on_updated);
}

/* ---- the merge --------------------------------------------------------------------------------------------------- */

/* Immutable members; removing them is another error. */
static const struct fixed {
	const char *path;
	const char *pointer;
	const char *otherwise; /* default; NULL: none */
	const char *counts;    /* the only other valid value; older stored hints were not validated */
} fixed[] = {
	{ "service_type", SPEC_POINTER "/service_type", NULL, NULL },
	{ "metadata.name", SPEC_POINTER "/metadata/name", NULL, NULL },
	{ "provider_hints.kubernetes.kind", SPEC_POINTER "/provider_hints/kubernetes/kind", "Deployment",
	  "StatefulSet" },
};

static const char *value_of(const cJSON *spec, const struct fixed *row)
{
	const char *text = json_string_at(spec, row->path);

	return text && (!row->counts || str_equal(text, row->counts)) ? text : row->otherwise;
}

static void check_fixed(const cJSON *before, const cJSON *now, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		const char *was = value_of(before, &fixed[i]);
		const char *is = value_of(now, &fixed[i]);

		if (is && !str_equal(was, is))
			faults_add(faults, fixed[i].pointer, "cannot be changed: it is '%s'", was ? was : "");
	}
}

/* {"spec": ...} of the worker's reply. */
static enum rc read_container(const struct worker_reply *reply, cJSON **ret_tree, struct error *err)
{
	cleanup_json cJSON *shown = NULL;
	enum rc rc = json_parse(reply->body, reply->len, &shown, err);
	cJSON *tree;

	if (rc)
		return error_wrap(err, RC_INTERNAL, "the worker's reply");
	tree = cJSON_CreateObject();
	if (!tree)
		return error_no_memory(err);
	cJSON_AddItemToObject(tree, SPEC, cJSON_DetachItemFromObjectCaseSensitive(shown, SPEC));
	*ret_tree = tree;
	return RC_OK;
}

static void merge(struct patch *p, const char *base, const cJSON *before, cJSON *container)
{
	struct faults faults cleanup_faults = { .count = 0 };
	struct error err;
	enum rc rc = merge_patch_member(container, p->tree, SPEC, &err);

	if (!rc)
		rc = json_check_objects(container, &err);
	if (rc == RC_INVALID_ARGUMENT) {
		faults_add(&faults, SPEC_POINTER, "after the change %s", err.text);
	} else if (rc) {
		fail(p, &err);
		return;
	}
	validator_check(p->request.schema, container, "", &faults);
	rules_check(json_get(container, SPEC), SPEC_POINTER, &faults);
	check_fixed(json_get(before, SPEC), json_get(container, SPEC), &faults);
	if (faults_any(&faults))
		refuse(p, &faults);
	else
		ask_update(p, base, container);
}

static void on_container(void *ctx, uint64_t cookie unused, struct worker_reply *reply)
{
	struct patch *p = ctx;
	cleanup_json cJSON *before = NULL;
	cleanup_json cJSON *container = NULL;
	struct error err;
	enum rc rc;

	if (reply->error.rc) {
		finish(p, reply);
		return;
	}
	rc = read_container(reply, &before, &err);
	if (!rc && !reply->etag[0])
		rc = error_set(&err, RC_INTERNAL, "the worker's reply has no version of the container");
	container = rc ? NULL : cJSON_Duplicate(before, 1);
	if (!rc && !container)
		rc = error_no_memory(&err);
	if (rc)
		fail(p, &err);
	else
		merge(p, reply->etag, before, container);
}

enum rc patch_begin(const struct patch_request *request, cJSON *patch, struct error *err)
{
	struct patch *p = calloc(1, sizeof(*p));

	if (p)
		p->if_match = request->if_match ? str_dup(request->if_match) : NULL;
	if (!p || (request->if_match && !p->if_match)) {
		free(p);
		cJSON_Delete(patch);
		return error_no_memory(err);
	}
	p->request = *request;
	p->tree = patch;
	snprintf(p->id, sizeof(p->id), "%s", request->id);
	snprintf(p->token, sizeof(p->token), "%s", request->token);
	snprintf(p->request_id, sizeof(p->request_id), "%s", request->request_id);
	snprintf(p->traceparent, sizeof(p->traceparent), "%s", request->traceparent);
	p->begun_ms = clock_mono_ms();
	p->deadline_ms = p->begun_ms + request->timeout_ms;
	p->again = (struct backoff){ .first_ms = AGAIN_FIRST_MS, .max_ms = AGAIN_MAX_MS };
	ask_container(p, 0);
	return RC_OK;
}
