#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/container/container_write.h"
#include "common/container/labels.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/repair/repair.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"
#include "tests/unit/fake_kube.h"

#define INTERVAL_MS 4000 /* as in repair.c */
#define PATIENCE_MS 12000
#define PAUSE_MS 60000
#define BUCKET "k8s-container-sp-p"
#define SERVICES "/api/v1/namespaces/ns/services"
#define CALLER "_INBOX.api-svc.abc.1-0-1"
#define ROOTS_MAX 32
#define SPEC(network)                                                                                      \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\"},\"image\":{\"reference\":\"i\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":1},\"memory\":{\"min\":\"1MB\",\"max\":\"1MB\"}}" network "}"
#define WITH_PORT SPEC(",\"network\":{\"ports\":[{\"container_port\":80,\"visibility\":\"internal\"}]}")

/* A worker without its dispatcher. */
struct worker {
	struct fake_jetstream js;
	struct ledger ledger;
	struct op_env env;
	struct repair *repair;
	char *texts[2 * ROOTS_MAX]; /* paths and objects in Kubernetes */
	size_t text_count;
};

static void prepare(struct worker *w)
{
	struct informer_listener listener;

	*w = (struct worker){ .env = { .provider = "p", .namespace = "ns", .external_service_type = "NodePort" } };
	w->js.bus = fake_bus_create();
	fake_jetstream_start(&w->js);
	cr_assert_eq(bus_caller_create(w->js.bus, &w->env.caller, NULL), RC_OK);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &w->env.cache, NULL), RC_OK);
	ledger_init(&w->ledger, w->env.caller, w->env.provider, 0);
	w->env.ledger = &w->ledger;
	listener = kube_cache_listener(w->env.cache);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++) {
		listener.list_begin(listener.ctx, (enum kube_kind)kind);
		listener.list_end(listener.ctx, (enum kube_kind)kind);
	}
}

static void start(struct worker *w)
{
	cr_assert_eq(repair_create(&w->env, NULL, &w->repair, NULL), RC_OK);
}

static void stop(struct worker *w)
{
	repair_destroy(w->repair);
	bus_destroy(w->js.bus);
	bus_caller_destroy(w->env.caller);
	kube_cache_destroy(w->env.cache);
	fake_jetstream_clear(&w->js);
	for (size_t i = 0; i < w->text_count; i++)
		free(w->texts[i]);
}

/* ---- containers -------------------------------------------------------------------------------------------------- */

struct root_case {
	const char *id;
	const char *spec;       /* NULL: WITH_PORT */
	const char *annotation; /* it has this value; value NULL: it is removed */
	const char *value;
	int64_t age_ms;
	bool deleting;
	bool replaced; /* Kubernetes has another one meanwhile */
	bool completed;
};

static void write_uid(const char *id, bool other, char out[KUBE_UID_TEXT_MAX])
{
	unsigned number = 0;

	for (const char *c = id; *c; c++)
		number = number * 31 + (unsigned char)*c;
	snprintf(out, KUBE_UID_TEXT_MAX, "%08x-0000-4000-8000-00000000000%d", number, other);
}

static cJSON *make_root(const struct root_case *c)
{
	char token[PROTOCOL_TOKEN_MAX];
	const struct container_origin origin = { .token = token, .attempt = CALLER, .digest = "" };
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *spec = cJSON_Parse(c->spec ? c->spec : WITH_PORT);
	char created[CLOCK_RFC3339_MAX];
	char uid[KUBE_UID_TEXT_MAX];
	cJSON *root, *metadata, *annotations;

	snprintf(token, sizeof(token), PROTOCOL_TOKEN_REQUEST "%s", c->id);
	cr_assert_eq(container_write_deployment(c->id, spec, NULL, &origin, &body, NULL), RC_OK);
	root = cJSON_Parse(body.data);
	metadata = json_get(root, "metadata");
	annotations = json_get(metadata, "annotations");
	write_uid(c->id, false, uid);
	clock_format_rfc3339(clock_wall_ms() - c->age_ms, false, created);
	cJSON_AddStringToObject(metadata, "uid", uid);
	cJSON_AddStringToObject(metadata, "creationTimestamp", created);
	if (c->deleting)
		cJSON_AddStringToObject(metadata, "deletionTimestamp", created);
	if (c->annotation)
		cJSON_DeleteItemFromObjectCaseSensitive(annotations, c->annotation);
	if (c->annotation && c->value)
		cJSON_AddStringToObject(annotations, c->annotation, c->value);
	return root;
}

static void see(struct worker *w, enum kube_kind kind, enum kube_event event, const cJSON *object)
{
	struct informer_listener listener = kube_cache_listener(w->env.cache);

	cr_assert_eq(listener.object(listener.ctx, kind, event, object, NULL), RC_OK);
}

/* It exists in Kubernetes and in the cache of the informers. */
static void add(struct worker *w, const struct root_case *c)
{
	cleanup_json cJSON *root = make_root(c);
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	char uid[KUBE_UID_TEXT_MAX];

	see(w, KUBE_DEPLOYMENT, KUBE_ADDED, root);
	write_uid(c->id, c->replaced, uid);
	cJSON_ReplaceItemInObjectCaseSensitive(json_get(root, "metadata"), "uid", cJSON_CreateString(uid));
	kube_path_add(&path, KUBE_DEPLOYMENT, "ns", c->id);
	w->texts[w->text_count++] = buf_take(&path, NULL);
	w->texts[w->text_count++] = cJSON_PrintUnformatted(root);
	fake_kube_set(w->texts[w->text_count - 2], w->texts[w->text_count - 1]);
}

static cJSON *make_service(const char *id, const char *name)
{
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cleanup_json cJSON *spec = cJSON_Parse(WITH_PORT);
	char uid[KUBE_UID_TEXT_MAX];
	cJSON *service;

	write_uid(id, false, uid);
	cr_assert_eq(container_write_service(id, name, &(struct container_owner){ KUBE_DEPLOYMENT, uid }, spec,
					     "NodePort", &body, NULL),
		     RC_OK);
	service = cJSON_Parse(body.data);
	write_uid(id, true, uid);
	cJSON_AddStringToObject(json_get(service, "metadata"), "uid", uid);
	return service;
}

/* Its Service is added to the cache, or deleted. */
static void see_service(struct worker *w, const char *id, enum kube_event event)
{
	cleanup_json cJSON *service = make_service(id, id);

	see(w, KUBE_SERVICE, event, service);
}

static bool has_been_completed(const char *id)
{
	size_t count = fake_kube_count("POST", SERVICES);
	char wanted[96];

	snprintf(wanted, sizeof(wanted), "\"name\":\"%s\"", id);
	for (size_t i = 0; i < count; i++)
		if (strstr(fake_kube_body("POST", SERVICES, i), wanted))
			return true;
	return false;
}

/* Advance the clock until it is completed. Returns the milliseconds this took; the test fails if it never is. */
static int64_t until_completed(const char *id)
{
	int64_t waited_ms = 0;

	for (int i = 0; i < 4000 && !has_been_completed(id); i++) {
		clock_sleep_ms(1);
		fake_clock_advance(INTERVAL_MS / 100);
		waited_ms += INTERVAL_MS / 100;
	}
	cr_assert(has_been_completed(id), "%s", id);
	return waited_ms;
}

/* Wait for the next walks: an incomplete container added now is completed. */
static void expect_walks(struct worker *w, const char *id)
{
	add(w, &(struct root_case){ .id = id });
	(void)until_completed(id);
}

/* ---- which containers are completed ------------------------------------------------------------------------------ */

static const struct root_case root_cases[] = {
	{ .id = "incomplete", .completed = true },
	{ .id = "young", .age_ms = 500000, .completed = true },
	{ .id = "old", .age_ms = 601000 },
	{ .id = "deleting", .deleting = true },
	{ .id = "owed", .annotation = ANNOTATION_OWED, .value = CALLER },
	{ .id = "foreign", .annotation = ANNOTATION_TOKEN },
	{ .id = "without-spec", .annotation = ANNOTATION_SPEC },
	{ .id = "replaced", .replaced = true },
	{ .id = "portless", .spec = SPEC("") },
	{ .id = "complete" },
	{ .id = "service-deleted" },
};

Test(repair, missing_objects_of_young_containers_without_a_debt_are_created)
{
	struct worker w;

	prepare(&w);
	for (size_t i = 0; i < ARRAY_LEN(root_cases); i++)
		add(&w, &root_cases[i]);
	see_service(&w, "complete", KUBE_ADDED);
	see_service(&w, "service-deleted", KUBE_ADDED);
	start(&w);
	expect_walks(&w, "first");
	see_service(&w, "service-deleted", KUBE_DELETED);
	expect_walks(&w, "second");
	for (size_t i = 0; i < ARRAY_LEN(root_cases); i++)
		cr_expect_eq(has_been_completed(root_cases[i].id), root_cases[i].completed, "%s", root_cases[i].id);
	stop(&w);
	cr_expect_eq(fake_kube_count("POST", "deployments"), 0);
	cr_expect_eq(fake_kube_count("DELETE", ""), 0, "nothing is removed");
}

Test(repair, a_running_create_gets_time_to_finish)
{
	struct worker w;

	prepare(&w);
	add(&w, &(struct root_case){ .id = "web" });
	start(&w);
	cr_expect_geq(until_completed("web"), PATIENCE_MS - INTERVAL_MS / 10);
	stop(&w);
}

Test(repair, a_debt_in_a_record_is_left_to_the_sweeper)
{
	struct debt debt = { .state = DEBT_OWED, .id = "web", .uid = "", .caller = CALLER, .digest = "" };
	struct buf value cleanup_buf = buf_make(DEBT_VALUE_MAX);
	char key[DEBT_KEY_MAX];
	struct worker w;

	prepare(&w);
	w.js.has_bucket = true;
	debt_key(PROTOCOL_TOKEN_REQUEST "web", key);
	debt_write(&debt, &value);
	fake_jetstream_put(&w.js, BUCKET, key, value.data);
	add(&w, &(struct root_case){ .id = "web" });
	add(&w, &(struct root_case){ .id = "other" });
	start(&w);
	(void)until_completed("other");
	expect_walks(&w, "later");
	cr_expect_not(has_been_completed("web"));
	repair_destroy(w.repair);
	debt.state = DEBT_SETTLED;
	debt.uid = "u";
	buf_reset(&value);
	debt_write(&debt, &value);
	fake_jetstream_put(&w.js, BUCKET, key, value.data);
	start(&w);
	(void)until_completed("web");
	stop(&w);
}

Test(repair, a_rejection_by_kubernetes_is_noted_and_retried_after_a_minute)
{
	const char *noted;
	struct worker w;

	prepare(&w);
	add(&w, &(struct root_case){ .id = "web", .annotation = ANNOTATION_PROBLEM, .value = "an earlier one" });
	fake_kube_refuse("POST", RC_INVALID_ARGUMENT, "no more ports");
	start(&w);
	(void)until_completed("web"); /* attempted */
	noted = fake_kube_body("PATCH", "deployments/web", 0);
	cr_expect_not_null(strstr(noted, ANNOTATION_PROBLEM), "%s", noted);
	cr_expect_not_null(strstr(noted, "the Service of this container cannot be created"), "%s", noted);
	expect_walks(&w, "other");
	cr_expect_eq(fake_kube_count("POST", SERVICES), 2, "one for each");
	fake_kube_refuse("POST", RC_OK, "");
	fake_clock_advance(PAUSE_MS);
	noted = fake_kube_body("PATCH", "deployments/web", 1);
	cr_expect_not_null(strstr(noted, "\"" ANNOTATION_PROBLEM "\":null"), "%s", noted);
	stop(&w);
}

Test(repair, nothing_is_created_before_the_cache_is_synced)
{
	struct kube_cache *empty = NULL;
	struct worker w;

	prepare(&w);
	kube_cache_destroy(w.env.cache);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &empty, NULL), RC_OK);
	w.env.cache = empty;
	add(&w, &(struct root_case){ .id = "web" });
	start(&w);
	for (int i = 0; i < 100; i++) {
		clock_sleep_ms(1);
		fake_clock_advance(INTERVAL_MS / 10);
	}
	cr_expect_eq(fake_kube_count("POST", SERVICES), 0);
	stop(&w);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

#define MARK "{\"caller\":\"" CALLER "\",\"undo\":false,\"delta\":[],\"run\":{\"replicas\":1}}"

struct api {
	struct bus *bus;
	const char *word; /* its reply; NULL: it is gone */
};

static void on_probe(void *ctx, const struct bus_message *msg)
{
	const struct api *api = ctx;
	const struct bus_header status = { PROTOCOL_HEADER_STATUS, api->word };

	if (!api->word)
		fake_bus_reply(api->bus, msg, NULL);
	else
		(void)fake_bus_deliver(api->bus, &(struct bus_outgoing){ .subject = bus_message_reply(msg),
									 .headers = &status,
									 .header_count = 1 });
}

Test(repair, a_change_is_left_to_its_caller_while_it_is_running)
{
	struct api api = { .word = "OK" };
	struct worker w;

	prepare(&w);
	api.bus = w.js.bus;
	fake_bus_listen(w.js.bus, CALLER, on_probe, &api);
	add(&w, &(struct root_case){ .id = "web", .spec = SPEC(""), .annotation = ANNOTATION_CHANGING, .value = MARK });
	start(&w);
	expect_walks(&w, "first");
	cr_expect_geq(fake_bus_count(w.js.bus, CALLER), 1, "the caller was probed");
	cr_expect_eq(fake_kube_count("GET", "deployments/web"), 0);
	repair_destroy(w.repair);
	api.word = NULL;
	fake_kube_refuse("PUT", RC_UNAVAILABLE, "etcd is down"); /* finishing it is tested with container_change */
	fake_kube_refuse("PATCH", RC_UNAVAILABLE, "etcd is down");
	start(&w);
	expect_walks(&w, "second");
	cr_expect_gt(fake_kube_count("GET", "deployments/web"), 0, "the change is finished");
	stop(&w);
}

/* ---- unwanted Services ------------------------------------------------------------------------------------------- */

static const struct stray_case {
	const char *id;
	const char *name;    /* of the Service; NULL: the id */
	const char *without; /* a member removed from its metadata */
	bool cached_before;  /* the cache still has it with that member */
	bool wanted, removed;
} stray_cases[] = {
	{ .id = "stray", .removed = true },
	{ .id = "wanted", .wanted = true },
	{ .id = "other-name", .name = "front" },
	{ .id = "ownerless", .without = "ownerReferences" },
	{ .id = "ownerless-now", .without = "ownerReferences", .cached_before = true },
	{ .id = "unlabelled-now", .without = "labels", .cached_before = true },
};

static void add_service(struct worker *w, const struct stray_case *c)
{
	cleanup_json cJSON *service = make_service(c->id, c->name ? c->name : c->id);
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);

	if (c->cached_before)
		see(w, KUBE_SERVICE, KUBE_ADDED, service);
	if (c->without)
		cJSON_DeleteItemFromObjectCaseSensitive(json_get(service, "metadata"), c->without);
	if (!c->cached_before)
		see(w, KUBE_SERVICE, KUBE_ADDED, service);
	kube_path_add(&path, KUBE_SERVICE, "ns", c->name ? c->name : c->id);
	w->texts[w->text_count++] = buf_take(&path, NULL);
	w->texts[w->text_count++] = cJSON_PrintUnformatted(service);
	fake_kube_set(w->texts[w->text_count - 2], w->texts[w->text_count - 1]);
}

Test(repair, a_service_not_wanted_by_its_root_is_removed_if_it_is_ours)
{
	struct worker w;

	prepare(&w);
	for (size_t i = 0; i < ARRAY_LEN(stray_cases); i++) {
		add(&w,
		    &(struct root_case){ .id = stray_cases[i].id, .spec = stray_cases[i].wanted ? NULL : SPEC("") });
		add_service(&w, &stray_cases[i]);
	}
	start(&w);
	expect_walks(&w, "first");
	expect_walks(&w, "second");
	stop(&w);
	for (size_t i = 0; i < ARRAY_LEN(stray_cases); i++) {
		bool removed = fake_kube_count("PUT", stray_cases[i].id);

		cr_expect_eq(removed, stray_cases[i].removed, "%s", stray_cases[i].id);
		if (removed) /* the root gets a mark first; the rest is tested with container_change */
			cr_expect_not_null(strstr(fake_kube_body("PUT", stray_cases[i].id, 0), ANNOTATION_CHANGING));
	}
}
