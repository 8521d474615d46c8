/*
 * Measures latency and throughput of one kind of call, through the pipeline and directly against the Kubernetes API, in
 * one run and in turns, so that other load of the machine does not affect the ratio.
 *
 *	bench <what> --api http://127.0.0.1:8080 --kubeconfig FILE --namespace NAME
 *		[--clients N] [--rate R] [--seconds S]
 *
 * what: get      GET of one container of many, compared with a GET of its Deployment
 *       list     GET of a page of 50, compared with a list of 50 Deployments
 *       create   POST of a container with a Service, compared with the POSTs of a Deployment and a Service
 *       patch    PATCH of a member without a rollout, compared with the GET and the PUT of the Deployment
 *       scale    POST of :scale, compared with the GET and the PUT of the Deployment
 *       fill N   create N containers and end
 * --rate R: R calls a second altogether (open loop: a late call counts from when it was due); 0: as fast as possible.
 *
 * Prints one line for each side (calls, calls/s, p50, p99 in ms) and one with the ratios and differences.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/container_write.h"
#include "common/container/labels.h"
#include "common/kube/kube_client.h"
#include "common/kube/kube_path.h"
#include "common/services/json_write.h"

#define API_BASE "/api/v1alpha1/containers"
#define SAMPLES_MAX 2000000
#define CLIENTS_MAX 256
#define ROUNDS 5 /* number of alternations between the two sides */
#define SPEC                                                                                                     \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"bench\"},\"image\":{\"reference\":\"nginx\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":2},\"memory\":{\"min\":\"64MB\",\"max\":\"128MB\"}},"         \
	"\"network\":{\"ports\":[{\"container_port\":80,\"visibility\":\"internal\"}]}}"

struct options {
	const char *what;
	const char *api;
	const char *namespace;
	struct kube_auth *auth;
	cJSON *spec;
	int64_t containers;
	int64_t clients;
	int64_t rate;
	int64_t seconds;
};

/* One side of the comparison: one call of a client. Returns false on failure. */
struct client {
	const struct options *options;
	struct http_client *http;
	struct kube_client *kube;
	int number;
};

typedef bool (*call_function)(struct client *client, int64_t serial);

struct side {
	const char *name;
	call_function call;
	int64_t *samples_ns;
	atomic_llong count;
	atomic_llong failures;
	int64_t elapsed_ns;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

static bool http_call(struct client *client, const char *method, const char *path, const char *body, int expected)
{
	struct buf url cleanup_buf = buf_make(4096);
	const char *headers[] = { "Content-Type: application/json" };
	struct http_request request = {
		.method = method,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.timeout_ms = 30000,
		.response_max = 64u * 1024 * 1024,
	};
	struct http_response response = { 0 };
	bool good;

	buf_addf(&url, "%s%s", client->options->api, path);
	request.url = url.data;
	good = http_client_do(client->http, &request, &response, NULL) == RC_OK && response.status == expected;
	buf_clear(&response.body);
	return good;
}

/* Authenticated like the provider; the response is read but not parsed, as by a load generator. */
static bool discard(void *ctx unused, const char *bytes unused, size_t len unused)
{
	return true;
}

static bool kube_call(struct client *client, const char *method, const char *path, const struct buf *body)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct kube_request request = {
		.method = method,
		.path = path,
		.body = body ? body->data : NULL,
		.body_len = body ? body->len : 0,
		.deadline_ms = clock_mono_ms() + 30000,
		.on_bytes = discard,
		.once = true,
	};

	return kube_client_do(client->kube, &request, &reply, NULL) == RC_OK;
}

static void container_name(int64_t number, char out[32])
{
	snprintf(out, 32, "bench-%05" PRId64, number);
}

static bool get_by_api(struct client *client, int64_t serial)
{
	char name[32];
	char path[128];

	container_name(serial * 7919 % client->options->containers, name);
	snprintf(path, sizeof(path), API_BASE "/%s", name);
	return http_call(client, "GET", path, NULL, 200);
}

static bool get_by_kube(struct client *client, int64_t serial)
{
	struct buf path cleanup_buf = buf_make(4096);
	char name[32];

	container_name(serial * 7919 % client->options->containers, name);
	kube_path_add(&path, KUBE_DEPLOYMENT, client->options->namespace, name);
	return kube_call(client, "GET", path.data, NULL);
}

static bool list_by_api(struct client *client, int64_t serial unused)
{
	return http_call(client, "GET", API_BASE "?max_page_size=50", NULL, 200);
}

static bool list_by_kube(struct client *client, int64_t serial unused)
{
	struct buf path cleanup_buf = buf_make(4096);

	kube_path_add(&path, KUBE_DEPLOYMENT, client->options->namespace, NULL);
	kube_path_add_query(&path, "labelSelector", labels_selector(RESOURCE_CONTAINER));
	kube_path_add_query(&path, "limit", "50");
	return kube_call(client, "GET", path.data, NULL);
}

static bool create_id_by_api(struct client *client, const char *id)
{
	char path[128];

	snprintf(path, sizeof(path), API_BASE "?id=%s", id);
	return http_call(client, "POST", path, "{\"spec\":" SPEC "}", 201);
}

static bool create_by_api(struct client *client, int64_t serial)
{
	char id[64];

	snprintf(id, sizeof(id), "a-%d-%" PRId64, client->number, serial);
	return create_id_by_api(client, id);
}

static bool create_object(struct client *client, enum kube_kind kind, const struct buf *body, struct kube_reply *reply)
{
	struct buf path cleanup_buf = buf_make(4096);
	struct kube_request request = {
		.method = "POST",
		.body = body->data,
		.body_len = body->len,
		.deadline_ms = clock_mono_ms() + 30000,
		.once = true,
	};

	kube_path_add(&path, kind, client->options->namespace, NULL);
	request.path = path.data;
	return kube_client_do(client->kube, &request, reply, NULL) == RC_OK;
}

/* The Deployment is the real owner: the garbage collector would remove the Services of another one during the rest. */
static bool create_by_kube(struct client *client, int64_t serial)
{
	const struct container_origin origin = { .token = "req:bench", .digest = "" };
	struct container_owner owner = { .kind = KUBE_DEPLOYMENT };
	struct kube_reply deployment cleanup_kube_reply = { 0 };
	struct kube_reply service cleanup_kube_reply = { 0 };
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	char id[64];

	snprintf(id, sizeof(id), "k-%d-%" PRId64, client->number, serial);
	if (container_write_deployment(id, client->options->spec, NULL, &origin, &body, NULL))
		return false;
	if (!create_object(client, KUBE_DEPLOYMENT, &body, &deployment))
		return false;
	owner.uid = json_string_at(deployment.object, "metadata.uid");
	buf_reset(&body);
	if (!owner.uid || container_write_service(id, id, &owner, client->options->spec, "NodePort", &body, NULL))
		return false;
	return create_object(client, KUBE_SERVICE, &body, &service);
}

/* The number that a change sets: different from the previous one. */
static int64_t changing(const struct client *client, int64_t serial)
{
	return serial / client->options->containers % 2 + 1;
}

/* before, after: the body around the number. */
static bool change_by_api(struct client *client, int64_t serial, const char *method, const char *suffix,
			  const char *before, const char *after)
{
	char name[32];
	char path[128];
	char body[128];

	container_name(serial % client->options->containers, name);
	snprintf(path, sizeof(path), API_BASE "/%s%s", name, suffix);
	snprintf(body, sizeof(body), "%s%" PRId64 "%s", before, changing(client, serial), after);
	return http_call(client, method, path, body, 200);
}

static bool patch_by_api(struct client *client, int64_t serial)
{
	return change_by_api(client, serial, "PATCH", "", "{\"spec\":{\"provider_hints\":{\"bench\":", "}}}");
}

static bool scale_by_api(struct client *client, int64_t serial)
{
	return change_by_api(client, serial, "POST", ":scale", "{\"replicas\":", "}");
}

/* GET, a change of the tree, PUT with the version that was read. */
static bool change_by_kube(struct client *client, int64_t serial, void (*change)(cJSON *object, int64_t number))
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf path cleanup_buf = buf_make(4096);
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct kube_request request = { .method = "GET", .deadline_ms = clock_mono_ms() + 30000, .once = true };
	struct json_writer w = json_writer_make(&body);
	char name[32];

	container_name(serial % client->options->containers, name);
	kube_path_add(&path, KUBE_DEPLOYMENT, client->options->namespace, name);
	request.path = path.data;
	if (kube_client_do(client->kube, &request, &reply, NULL) != RC_OK)
		return false;
	change(reply.object, changing(client, serial));
	json_tree(&w, NULL, reply.object);
	return kube_call(client, "PUT", path.data, &body);
}

static void change_annotation(cJSON *object, int64_t number)
{
	cJSON *annotations = json_at(object, "metadata.annotations");
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	cJSON_DeleteItemFromObjectCaseSensitive(annotations, "bench");
	cJSON_AddStringToObject(annotations, "bench", text);
}

static void change_replicas(cJSON *object, int64_t number)
{
	cJSON_SetNumberValue(json_at(object, "spec.replicas"), (double)number);
}

static bool patch_by_kube(struct client *client, int64_t serial)
{
	return change_by_kube(client, serial, change_annotation);
}

static bool scale_by_kube(struct client *client, int64_t serial)
{
	return change_by_kube(client, serial, change_replicas);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

struct run {
	const struct options *options;
	struct side *side;
	int64_t start_ns;
	int64_t end_ns;
	atomic_llong serial;
};

struct thread_start_info {
	struct run *run;
	struct client *client;
};

static void *run_client(void *ctx)
{
	struct thread_start_info *info = ctx;
	struct run *run = info->run;
	int64_t interval_ns = run->options->rate ? 1000000000 / run->options->rate : 0;

	for (;;) {
		int64_t serial = atomic_fetch_add(&run->serial, 1);
		int64_t due_ns = interval_ns ? run->start_ns + serial * interval_ns : clock_mono_ns();
		int64_t index;

		if (due_ns >= run->end_ns)
			return NULL;
		while (clock_mono_ns() < due_ns) {
			struct timespec pause = { .tv_nsec = due_ns - clock_mono_ns() };

			if (pause.tv_nsec > 0 && pause.tv_nsec < 1000000000)
				nanosleep(&pause, NULL);
		}
		if (!run->side->call(info->client, serial + run->side->count * 1000)) {
			atomic_fetch_add(&run->side->failures, 1);
			continue;
		}
		index = atomic_fetch_add(&run->side->count, 1);
		if (index < SAMPLES_MAX)
			run->side->samples_ns[index] = clock_mono_ns() - due_ns;
	}
}

static void run_side(const struct options *options, struct client *clients, struct side *side)
{
	struct run run = { .options = options, .side = side, .start_ns = clock_mono_ns() };
	struct thread_start_info infos[CLIENTS_MAX];
	pthread_t threads[CLIENTS_MAX];

	run.end_ns = run.start_ns + options->seconds * 1000000000 / ROUNDS;
	for (int64_t i = 0; i < options->clients; i++) {
		infos[i] = (struct thread_start_info){ &run, &clients[i] };
		if (pthread_create(&threads[i], NULL, run_client, &infos[i]))
			die("threads", "cannot be started");
	}
	for (int64_t i = 0; i < options->clients; i++)
		pthread_join(threads[i], NULL);
	side->elapsed_ns += clock_mono_ns() - run.start_ns;
}

static int compare_samples(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double percentile_ms(const struct side *side, double share)
{
	int64_t count = side->count < SAMPLES_MAX ? side->count : SAMPLES_MAX;

	return count ? (double)side->samples_ns[(int64_t)((double)(count - 1) * share)] / 1e6 : 0;
}

static double per_second(const struct side *side)
{
	return (double)side->count / ((double)side->elapsed_ns / 1e9);
}

static void report(struct side *side)
{
	qsort(side->samples_ns, (size_t)(side->count < SAMPLES_MAX ? side->count : SAMPLES_MAX), sizeof(int64_t),
	      compare_samples);
	printf("  %-10s %8lld calls  %8.0f/s  p50 %7.3f ms  p99 %7.3f ms  failed %lld\n", side->name,
	       (long long)side->count, per_second(side), percentile_ms(side, 0.50), percentile_ms(side, 0.99),
	       (long long)side->failures);
}

static const struct comparison {
	const char *what;
	call_function api, kube;
} comparisons[] = {
	{ "get", get_by_api, get_by_kube },          { "list", list_by_api, list_by_kube },
	{ "create", create_by_api, create_by_kube }, { "patch", patch_by_api, patch_by_kube },
	{ "scale", scale_by_api, scale_by_kube },
};

static void compare(const struct options *options, struct client *clients, const struct comparison *comparison)
{
	struct side api = { .name = "pipeline", .call = comparison->api };
	struct side kube = { .name = "direct", .call = comparison->kube };

	api.samples_ns = calloc(SAMPLES_MAX, sizeof(int64_t));
	kube.samples_ns = calloc(SAMPLES_MAX, sizeof(int64_t));
	if (!api.samples_ns || !kube.samples_ns)
		die("samples", "out of memory");
	for (int round = 0; round < ROUNDS; round++) {
		run_side(options, clients, &kube);
		run_side(options, clients, &api);
	}
	printf("%s, %" PRId64 " clients, %s%" PRId64 "/s\n", options->what, options->clients,
	       options->rate ? "rate " : "as fast as possible, rate ", options->rate);
	report(&kube);
	report(&api);
	printf("  ratio      p50 %.2f  p99 %.2f  throughput %.2f;  difference p50 %.3f ms  p99 %.3f ms\n",
	       percentile_ms(&api, 0.5) / percentile_ms(&kube, 0.5),
	       percentile_ms(&api, 0.99) / percentile_ms(&kube, 0.99), per_second(&api) / per_second(&kube),
	       percentile_ms(&api, 0.5) - percentile_ms(&kube, 0.5),
	       percentile_ms(&api, 0.99) - percentile_ms(&kube, 0.99));
	free(api.samples_ns);
	free(kube.samples_ns);
}

static void fill(const struct options *options, struct client *client)
{
	for (int64_t i = 0; i < options->containers; i++) {
		char id[32];

		container_name(i, id);
		if (!create_id_by_api(client, id))
			die("create", id);
	}
	printf("fill: %" PRId64 " containers\n", options->containers);
}

static int64_t number_option(const char *value)
{
	int64_t number;

	if (!str_parse_int64(value, &number) || number < 0)
		die("not a number", value);
	return number;
}

static void read_options(int argc, char **argv, struct options *options)
{
	const char *kubeconfig = NULL;
	struct error err;

	if (argc < 2)
		die("usage",
		    "bench get|list|create|patch|scale|fill --api URL --kubeconfig FILE --namespace NAME [...]");
	options->what = argv[1];
	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--api") == 0)
			options->api = argv[i + 1];
		else if (strcmp(argv[i], "--kubeconfig") == 0)
			kubeconfig = argv[i + 1];
		else if (strcmp(argv[i], "--namespace") == 0)
			options->namespace = argv[i + 1];
		else if (strcmp(argv[i], "--containers") == 0)
			options->containers = number_option(argv[i + 1]);
		else if (strcmp(argv[i], "--clients") == 0)
			options->clients = number_option(argv[i + 1]);
		else if (strcmp(argv[i], "--rate") == 0)
			options->rate = number_option(argv[i + 1]);
		else if (strcmp(argv[i], "--seconds") == 0)
			options->seconds = number_option(argv[i + 1]);
		else
			die("unknown option", argv[i]);
	}
	if (!options->api || !kubeconfig || !options->namespace || options->clients < 1 ||
	    options->clients > CLIENTS_MAX || options->containers < 1)
		die("usage",
		    "--api, --kubeconfig and --namespace are required; 1 to 256 clients; at least 1 container");
	if (kube_auth_create(&(struct kube_access){ .kubeconfig = kubeconfig }, &options->auth, &err))
		die("kubeconfig", err.text);
}

int main(int argc, char **argv)
{
	struct options options = { .containers = 1000, .clients = 1, .seconds = 10 };
	static struct client clients[CLIENTS_MAX];
	struct error err;

	read_options(argc, argv, &options);
	options.spec = cJSON_Parse(SPEC);
	for (int i = 0; i < options.clients; i++) {
		clients[i].options = &options;
		clients[i].number = i;
		if (http_client_create(&clients[i].http, &err) ||
		    kube_client_create(options.auth, &clients[i].kube, &err))
			die("client", err.text);
	}
	if (strcmp(options.what, "fill") == 0) {
		fill(&options, &clients[0]);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		if (strcmp(comparisons[i].what, options.what) == 0) {
			compare(&options, clients, &comparisons[i]);
			return 0;
		}
	}
	die("unknown", options.what);
}
