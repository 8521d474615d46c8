#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/container/labels.h"
#include "kube-worker/streams/container_feed.h"
#include "kube-worker/streams/instance_watch.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/kube_objects.h"

#define ROOTS "/apis/apps/v1/namespaces/ns/deployments"
/* A watch gets the same body; as a line that is not an event, it makes the informer list again. */
#define LIST(items) "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" items "]}\n"
#define ROOT(name, uid, id, rest)                                                                            \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" UID(                                               \
		uid) "\",\"creationTimestamp\":\"2026-01-0" #uid                                             \
		     "T00:00:00Z\",\"managedFields\":[{\"manager\":\"x\"}],\"labels\":{\"" LABEL_INSTANCE_ID \
		     "\":\"" id "\"}" rest "},\"spec\":{},\"status\":{}}"
#define PATIENCE_MS 10000

struct reader {
	struct op_env env;
	struct feed_count feeds;
	struct container_feed *feed;
	struct buf out;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool woken;
};

static void on_wake(void *ctx)
{
	struct reader *r = ctx;

	pthread_mutex_lock(&r->lock);
	r->woken = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

static void wait_for_wake(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	cr_assert(thread_wait_until(&r->changed, &r->lock, &r->woken, PATIENCE_MS), "no change was signalled");
	r->woken = false;
	pthread_mutex_unlock(&r->lock);
}

/* With a complete cache, except for these kinds (bits), which may not be listed. */
static void prepare_without(struct reader *r, unsigned forbidden)
{
	struct informer_listener listener;

	*r = (struct reader){ .env = { .provider = "p", .namespace = "ns", .status_rules = { .grace_ms = 5000 } },
			      .out = buf_make(100000) };
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->env.feeds = &r->feeds;
	feed_count_init(&r->feeds);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &r->env.cache, NULL), RC_OK);
	cr_assert_eq(instance_watch_create(r->env.cache, &r->env.watch, NULL), RC_OK);
	listener = kube_cache_listener(r->env.cache);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		(forbidden & 1u << kind ? listener.list_forbidden : listener.list_end)(listener.ctx,
										       (enum kube_kind)kind);
	cr_assert_eq(container_feed_open(&r->env, on_wake, r, &r->feed, NULL), RC_OK);
}

static void prepare(struct reader *r)
{
	prepare_without(r, 0);
}

static void finish(struct reader *r)
{
	container_feed_close(r->feed);
	feed_count_wait(&r->feeds);
	instance_watch_destroy(r->env.watch);
	kube_cache_destroy(r->env.cache);
	buf_clear(&r->out);
}

static enum rc wait_until_ready(struct reader *r, struct error *err)
{
	bool ready = false;
	enum rc rc = container_feed_is_ready(r->feed, &ready, err);

	while (!rc && !ready) {
		fake_clock_advance(500); /* pauses of informers */
		wait_for_wake(r);
		rc = container_feed_is_ready(r->feed, &ready, err);
	}
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Its current output: "id:STATUS", "-id", "snapshot" or "synced"; items between two of the latter are sorted. */
static const char *told(struct reader *r)
{
	static char text[1024];
	char *words[32];
	size_t count = 0;
	size_t first = 0;
	char *at;
	int64_t due_ms;

	buf_reset(&r->out);
	do
		cr_assert_eq(container_feed_read(r->feed, 1, &r->out, &due_ms, NULL), RC_OK);
	while (due_ms <= clock_mono_ms());
	for (char *line = strtok_r(r->out.data, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		cleanup_json cJSON *tree = cJSON_Parse(line);
		const char *id = json_string_at(tree, "id");
		const char *gone = json_string_at(tree, "gone");
		char word[100];

		cr_expect_null(strstr(line, "managedFields"));
		snprintf(word, sizeof(word), "%s%s%s",
			 id                               ? id
			 : gone                           ? "-"
			 : json_true_at(tree, "snapshot") ? "snapshot"
							  : "synced",
			 id ? ":" : "",
			 id     ? json_string_at(tree, "status")
			 : gone ? gone
				: "");
		words[count++] = strdup(word);
		if (id || gone)
			continue;
		qsort(words + first, count - 1 - first, sizeof(*words), by_text);
		first = count;
	}
	qsort(words + first, count - first, sizeof(*words), by_text);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", words[i]);
		free(words[i]);
	}
	return text;
}

static void add(struct reader *r, enum kube_kind kind, const char *text)
{
	cleanup_json cJSON *object = cJSON_Parse(text);

	cr_assert_eq(kube_cache_add(r->env.cache, kind, object, NULL), RC_OK);
}

Test(container_feed, sends_the_snapshot_then_changes_then_deletions)
{
	const char *word = "";
	struct reader r;

	fake_clock_start();
	fake_kube_set(ROOTS, LIST(ROOT("web", 1, "web", "") "," ROOT("other", 2, "other", "")));
	prepare(&r);
	cr_assert_eq(wait_until_ready(&r, NULL), RC_OK);
	cr_expect_str_eq(told(&r), "snapshot other:PENDING web:PENDING synced ");
	cr_expect_str_eq(told(&r), "");
	add(&r, KUBE_REPLICASET, REPLICASET(3, 1, "1"));
	cr_expect_str_eq(told(&r), "", "the container is read, and unchanged");
	add(&r, KUBE_POD, POD(4, 3, "", RUNNING));
	cr_expect_str_eq(told(&r), "web:RUNNING ");
	add(&r, KUBE_POD, POD(4, 3, "", FAILED));
	cr_expect_str_eq(told(&r), "web:PENDING ");
	fake_clock_advance(5000);
	cr_expect_str_eq(told(&r), "web:FAILED ", "the grace period has expired");
	cr_expect_str_eq(told(&r), "");
	fake_kube_set(ROOTS, LIST(ROOT("other", 2, "other", "")));
	for (int i = 0; i < 10000 && !r.out.len; i++) { /* until the informer lists again */
		fake_clock_advance(1000);
		pthread_mutex_lock(&r.lock);
		(void)thread_wait_until(&r.changed, &r.lock, &r.woken, 1); /* woken or not: read */
		r.woken = false;
		pthread_mutex_unlock(&r.lock);
		word = told(&r);
	}
	cr_expect_str_eq(word, "-web ");
	finish(&r);
}

struct changes {
	struct reader *reader;
	atomic_bool stop;
};

static void *change_pods(void *ctx)
{
	struct changes *changes = ctx;

	while (!atomic_load(&changes->stop)) {
		add(changes->reader, KUBE_POD, POD(4, 3, "", RUNNING));
		add(changes->reader, KUBE_POD, POD(4, 3, "", PENDING));
	}
	return NULL;
}

Test(container_feed, the_cache_may_change_while_it_opens)
{
	struct reader r;
	struct changes changes = { .reader = &r };
	pthread_t thread;

	fake_clock_start();
	fake_kube_set(ROOTS, LIST(""));
	prepare(&r);
	cr_assert_eq(pthread_create(&thread, NULL, change_pods, &changes), 0);
	for (int i = 0; i < 100; i++) {
		container_feed_close(r.feed);
		feed_count_wait(&r.feeds);
		cr_assert_eq(container_feed_open(&r.env, on_wake, &r, &r.feed, NULL), RC_OK);
	}
	atomic_store(&changes.stop, true);
	pthread_join(thread, NULL);
	finish(&r);
}

Test(container_feed, of_several_roots_the_same_one_as_in_get_is_shown)
{
	static const struct {
		const char *list;
		const char *name; /* as in a container without a spec */
	} cases[] = {
		{ LIST(ROOT("b", 1, "web", "") "," ROOT("web", 2, "web", "")), "\"metadata\":{\"name\":\"web\"" },
		{ LIST(ROOT("b", 2, "web", "") "," ROOT("a", 3, "web", "") "," ROOT("c", 1, "web", "")),
		  "\"metadata\":{\"name\":\"c\"" },
		{ LIST(ROOT("web", 1, "web", DELETING) "," ROOT("b", 2, "web", "")), "\"metadata\":{\"name\":\"b\"" },
	};

	fake_clock_start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reader r;
		int64_t due_ms;

		fake_kube_set(ROOTS, cases[i].list);
		prepare(&r);
		cr_assert_eq(wait_until_ready(&r, NULL), RC_OK);
		cr_assert_eq(container_feed_read(r.feed, 10000, &r.out, &due_ms, NULL), RC_OK);
		cr_expect(strstr(r.out.data, cases[i].name), "%s", r.out.data);
		cr_expect_null(strstr(strstr(r.out.data, "\"id\":") + 1, "\"id\":"), "%s", r.out.data);
		finish(&r);
	}
}

Test(container_feed, roots_being_deleted_or_without_an_id_are_left_out)
{
	struct reader r;

	fake_clock_start();
	fake_kube_set(ROOTS, LIST(ROOT("web", 1, "web", DELETING) "," ROOT("x", 2, "", "")));
	prepare(&r);
	cr_assert_eq(wait_until_ready(&r, NULL), RC_OK);
	cr_expect_str_eq(told(&r), "snapshot synced ");
	finish(&r);
}

Test(container_feed, a_kind_of_the_cache_that_may_not_be_listed_is_an_error)
{
	struct reader r;
	struct error err = { .rc = RC_OK };

	fake_clock_start();
	fake_kube_set(ROOTS, LIST(""));
	prepare_without(&r, 1u << KUBE_POD);
	cr_expect_eq(wait_until_ready(&r, &err), RC_PERMISSION_DENIED);
	cr_expect_str_eq(err.text, "Kubernetes does not allow it: the provider's Role cannot list resource \"pods\"");
	finish(&r);
}

Test(container_feed, the_error_of_the_first_list_is_reported)
{
	static const struct {
		enum rc rc;
		const char *text;
		const char *told;
	} cases[] = {
		{ RC_UNAVAILABLE, "connection refused", "Kubernetes is currently unavailable" },
		{ RC_PERMISSION_DENIED,
		  "deployments.apps is forbidden: User \"x\" cannot list resource \"deployments\" in API group "
		  "\"apps\" "
		  "in the namespace \"ns\"",
		  "Kubernetes does not allow it: the provider's Role cannot list resource \"deployments\" in API group "
		  "\"apps\"" },
	};

	fake_clock_start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reader r;
		struct error err = { .rc = RC_OK };
		bool ready = false;

		fake_kube_refuse("GET", cases[i].rc, cases[i].text);
		prepare(&r);
		while (!container_feed_is_ready(r.feed, &ready, &err))
			fake_clock_advance(100);
		cr_expect_eq(err.rc, cases[i].rc);
		cr_expect_str_eq(err.text, cases[i].told);
		cr_expect_not(ready);
		finish(&r);
		fake_kube_refuse("GET", RC_OK, "");
	}
}
