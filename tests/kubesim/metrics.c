#include "tests/kubesim/metrics.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/selector.h"
#include "tests/kubesim/status.h"

#define WINDOW_MS 15000 /* between two looks */

static void write_container(const char *pod, const char *name, struct json_writer *w)
{
	uint64_t hash = hash_text(hash_text(HASH_INIT, pod), name);
	char text[32];

	json_begin_object(w, NULL);
	json_string(w, "name", name);
	json_begin_object(w, "usage");
	snprintf(text, sizeof(text), "%" PRIu64 "n", 1000000 + hash % 50000000);
	json_string(w, "cpu", text);
	snprintf(text, sizeof(text), "%" PRIu64 "Ki", 1024 + hash % 65536);
	json_string(w, "memory", text);
	json_end_object(w);
	json_end_object(w);
}

static void write_pod(const struct sim_object *pod, const cJSON *tree, struct json_writer *w)
{
	int64_t now_ms = clock_wall_ms();
	const cJSON *container = NULL;
	char time[CLOCK_RFC3339_MAX];

	clock_format_rfc3339(now_ms - now_ms % WINDOW_MS, false, time);
	json_begin_object(w, NULL);
	json_begin_object(w, "metadata");
	json_string(w, "name", pod->name);
	json_string(w, "namespace", pod->ns);
	json_optional_string(w, "creationTimestamp", json_string_at(tree, "metadata.creationTimestamp"));
	json_tree(w, "labels", pod->labels);
	json_end_object(w);
	json_string(w, "timestamp", time);
	json_string(w, "window", "15s");
	json_begin_array(w, "containers");
	cJSON_ArrayForEach (container, json_at(tree, "spec.containers"))
		write_container(pod->name, json_string_at(container, "name"), w);
	json_end_array(w);
	json_end_object(w);
}

static bool is_measured(struct sim *sim, const struct sim_object *pod, const cJSON *tree)
{
	int64_t age_ms;
	int64_t deleting_ms;

	return str_equal(json_string_at(tree, "status.phase"), "Running") && !pod->deleting &&
	       sim_store_ages(sim->store, pod, &age_ms, &deleting_ms) && age_ms >= sim->options.metrics_ms;
}

void sim_metrics_list(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	struct sim_list_query query = { .kind = &sim_kinds[SIM_POD], .ns = t->ns };
	struct json_writer w = json_writer_make(&rs->body);
	struct sim_selector selector;
	struct sim_list list = { 0 };
	struct error err;

	if (sim_selector_of(rq, query.kind, &selector, &err)) {
		sim_answer_unreadable(rs, &err);
		return;
	}
	query.selector = &selector;
	if (sim_store_list(sim->store, &query, &list)) {
		sim_answer_internal(rs, "out of memory");
		return;
	}
	rs->status = 200;
	json_begin_object(&w, NULL);
	json_string(&w, "kind", "PodMetricsList");
	json_string(&w, "apiVersion", t->kind->api_version);
	json_begin_object(&w, "metadata");
	json_end_object(&w);
	json_begin_array(&w, "items");
	for (size_t i = 0; i < list.count; i++) {
		cleanup_json cJSON *tree = sim_object_tree(list.objects[i]);

		if (tree && is_measured(sim, list.objects[i], tree))
			write_pod(list.objects[i], tree, &w);
	}
	json_end_array(&w);
	json_end_object(&w);
	sim_list_clear(&list);
}
