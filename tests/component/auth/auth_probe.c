/*
 * A scriptable Kubernetes client for the tests: `auth_probe KUBECONFIG` ("" is in-cluster) reads lines from stdin and
 * answers each with one on stdout.
 *
 *	get PATH            a request through kube_client: "RC STATUS TEXT", and " (N s)" with a Retry-After
 *	many COUNT PATH     COUNT threads get credentials and send a request concurrently: "RC of the worst"
 *
 * The first line, before any command, is the result of kube_auth_create().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/kube_client.h"
#include "common/services/lifecycle.h"
#include "common/services/log.h"

#define LINE_MAX_BYTES 1024
#define DEADLINE_MS 3000
#define THREADS_MAX 64

static struct kube_auth *auth;

static enum rc send_request(const char *path, struct kube_reply *reply, struct error *err)
{
	struct kube_request request = { .method = "GET", .path = path, .deadline_ms = clock_mono_ms() + DEADLINE_MS };
	struct kube_client *client = NULL;
	enum rc rc = kube_client_create(auth, &client, err);

	if (!rc)
		rc = kube_client_do(client, &request, reply, err);
	kube_client_destroy(client);
	return rc;
}

static void get(const char *path)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct error error = { 0 };
	enum rc rc = send_request(path, &reply, &error);
	const char *kind = json_string_at(reply.object, "kind");

	printf("%s %d %s", rc_name(rc), reply.status, rc ? error.text : kind ? kind : "");
	printf(error.retry_after_s ? " (%d s)\n" : "\n", error.retry_after_s);
}

static void *get_quietly(void *ctx)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };

	return (void *)(uintptr_t)send_request(ctx, &reply, NULL);
}

static void get_many(char *arguments)
{
	pthread_t threads[THREADS_MAX];
	int64_t count = 0;
	uintptr_t worst = RC_OK;
	char *count_text = strsep(&arguments, " ");

	if (!arguments || !str_parse_int64(count_text, &count) || count < 1 || count > THREADS_MAX)
		return;
	for (int64_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, get_quietly, arguments))
			abort();
	for (int64_t i = 0; i < count; i++) {
		void *result = NULL;

		pthread_join(threads[i], &result);
		if (result)
			worst = (uintptr_t)result;
	}
	printf("%s\n", rc_name((enum rc)worst));
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_BYTES];
	const char *folder = getenv("SP_K8S_SERVICE_ACCOUNT_DIR");
	const struct kube_access access = { argc > 1 ? argv[1] : "", folder ? folder : IN_CLUSTER_FOLDER };
	struct error error = { 0 };
	enum rc rc;

	lifecycle_init();
	log_init("auth_probe", LOG_DEBUG);
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = kube_auth_create(&access, &auth, &error);
	printf("%s %s\n", rc_name(rc), error.text);
	while (!rc && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (str_has_prefix(line, "get "))
			get(line + strlen("get "));
		else if (str_has_prefix(line, "many "))
			get_many(line + strlen("many "));
	}
	kube_auth_destroy(auth);
	return rc != RC_OK;
}
