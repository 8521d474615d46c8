#include "tests/unit/fake_kube.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"

#define OBJECTS_MAX 32
#define CALLS_MAX 512
#define REFUSALS_MAX 4
#define PATIENCE_MS 5000
#define EMPTY_LIST "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}"

struct kube_client {
	char unused_byte;
};

static struct {
	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t changed;
	struct {
		const char *path, *json;
	} objects[OBJECTS_MAX];
	struct {
		const char *method, *text;
		enum rc rc;
	} refusals[REFUSALS_MAX];
	struct {
		char *method, *path, *query, *body;
	} calls[CALLS_MAX];
	size_t call_count;
	bool hold;
} kube = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* ---- configuration ----------------------------------------------------------------------------------------------- */

void fake_kube_set(const char *path, const char *json)
{
	size_t at = 0;

	pthread_mutex_lock(&kube.lock);
	while (kube.objects[at].path && strcmp(kube.objects[at].path, path) != 0)
		at++; /* a test has fewer */
	kube.objects[at].path = path;
	kube.objects[at].json = json;
	pthread_mutex_unlock(&kube.lock);
}

void fake_kube_refuse(const char *method, enum rc rc, const char *text)
{
	size_t at = 0;

	pthread_mutex_lock(&kube.lock);
	while (kube.refusals[at].method && strcmp(kube.refusals[at].method, method) != 0)
		at++;
	kube.refusals[at].method = method;
	kube.refusals[at].rc = rc;
	kube.refusals[at].text = text;
	pthread_mutex_unlock(&kube.lock);
}

void fake_kube_hold(bool hold)
{
	pthread_mutex_lock(&kube.lock);
	kube.hold = hold;
	pthread_cond_broadcast(&kube.changed);
	pthread_mutex_unlock(&kube.lock);
}

/* The lock is held. */
static size_t find_call(const char *method, const char *path_end, size_t index, const char **ret_body)
{
	size_t count = 0;

	for (size_t i = 0; i < kube.call_count; i++) {
		size_t len = strlen(kube.calls[i].path);

		if (strcmp(kube.calls[i].method, method) == 0 && len >= strlen(path_end) &&
		    strcmp(kube.calls[i].path + len - strlen(path_end), path_end) == 0 && count++ == index)
			*ret_body = kube.calls[i].body;
	}
	return count;
}

size_t fake_kube_count(const char *method, const char *path_end)
{
	const char *body;
	size_t count;

	pthread_mutex_lock(&kube.lock);
	count = find_call(method, path_end, SIZE_MAX, &body);
	pthread_mutex_unlock(&kube.lock);
	return count;
}

void fake_kube_forget(void)
{
	pthread_mutex_lock(&kube.lock);
	while (kube.call_count) {
		kube.call_count--;
		free(kube.calls[kube.call_count].method);
		free(kube.calls[kube.call_count].path);
		free(kube.calls[kube.call_count].query);
		free(kube.calls[kube.call_count].body);
	}
	pthread_mutex_unlock(&kube.lock);
}

const char *fake_kube_body(const char *method, const char *path_end, size_t index)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	const char *body = NULL;

	pthread_mutex_lock(&kube.lock);
	while (find_call(method, path_end, index, &body) <= index && thread_wait(&kube.changed, &kube.lock, until_ms))
		;
	pthread_mutex_unlock(&kube.lock);
	cr_assert_not_null(body, "%s %zu of %s was not seen", method, index, path_end);
	return body;
}

const char *fake_kube_query(size_t index)
{
	const char *query;

	pthread_mutex_lock(&kube.lock);
	query = index < kube.call_count ? kube.calls[index].query : "";
	pthread_mutex_unlock(&kube.lock);
	return query;
}

/* ---- kube_client.h ----------------------------------------------------------------------------------------------- */

enum rc kube_client_create(struct kube_auth *auth unused, struct kube_client **ret_client, struct error *err unused)
{
	*ret_client = calloc(1, sizeof(**ret_client));
	return RC_OK;
}

void kube_client_destroy(struct kube_client *client)
{
	free(client);
}

void kube_reply_clear(struct kube_reply *reply)
{
	cJSON_Delete(TAKE(reply->object));
}

/* The lock is held. */
static const char *note_call(const struct kube_request *request, char *path)
{
	const char *json = NULL;

	cr_assert_lt(kube.call_count, (size_t)CALLS_MAX);
	kube.calls[kube.call_count].method = str_dup(request->method);
	kube.calls[kube.call_count].path = path;
	kube.calls[kube.call_count].query = str_dup(strchrnul(request->path, '?'));
	kube.calls[kube.call_count++].body = str_dup(request->body_len ? request->body : "");
	pthread_cond_broadcast(&kube.changed);
	while (kube.hold)
		pthread_cond_wait(&kube.changed, &kube.lock);
	for (size_t i = 0; i < OBJECTS_MAX && kube.objects[i].path; i++)
		if (strcmp(kube.objects[i].path, path) == 0)
			json = kube.objects[i].json;
	return json;
}

/* The lock is held. */
static enum rc refusal_of(const char *method, struct error *err)
{
	for (size_t i = 0; i < REFUSALS_MAX && kube.refusals[i].method; i++)
		if (kube.refusals[i].rc && strcmp(kube.refusals[i].method, method) == 0)
			return error_set(err, kube.refusals[i].rc, "%s", kube.refusals[i].text);
	return RC_OK;
}

static enum rc post(const struct kube_request *request, struct kube_reply *reply)
{
	cJSON *object = cJSON_ParseWithLength(request->body, request->body_len);

	cJSON_AddStringToObject(json_get(object, "metadata"), "uid", "00000000-0000-4000-8000-0000000000ff");
	reply->object = object;
	return RC_OK;
}

enum rc kube_client_do(struct kube_client *client unused, const struct kube_request *request, struct kube_reply *reply,
		       struct error *err)
{
	char *path = str_dup(request->path);
	const char *json;
	enum rc rc;

	path[strcspn(path, "?")] = '\0';
	*reply = (struct kube_reply){ .status = 200 };
	pthread_mutex_lock(&kube.lock);
	json = note_call(request, path);
	rc = refusal_of(request->method, err);
	pthread_mutex_unlock(&kube.lock);
	if (rc)
		return rc;
	if (strcmp(request->method, "POST") == 0)
		return post(request, reply);
	if (request->on_bytes) {
		json = json ? json : EMPTY_LIST;
		return request->on_bytes(request->ctx, json, strlen(json)) ? RC_OK
									   : error_set(err, RC_INTERNAL, "not wanted");
	}
	if (!json) {
		reply->status = 404;
		return error_set(err, RC_NOT_FOUND, "%s does not exist", path);
	}
	reply->object = cJSON_Parse(json);
	return RC_OK;
}
