#include "tests/kubesim/control.h"

#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/pod_log.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"

void sim_control_count(struct sim *sim, const char *verb, const char *resource)
{
	char name[112];
	int64_t count = 0;

	snprintf(name, sizeof(name), "%s %s", verb, resource);
	pthread_mutex_lock(&sim->counts_lock);
	(void)json_is_int(json_get(sim->counts, name), &count); /* not there: 0 */
	sim_tree_set_int(sim->counts, name, count + 1);
	pthread_mutex_unlock(&sim->counts_lock);
}

static void reset_counts(struct sim *sim)
{
	pthread_mutex_lock(&sim->counts_lock);
	cJSON_Delete(sim->counts);
	sim->counts = cJSON_CreateObject();
	pthread_mutex_unlock(&sim->counts_lock);
}

/* One fault, or an array of them. */
static enum rc add_faults(struct sim *sim, const struct buf *text, struct error *err)
{
	cleanup_json cJSON *json = NULL;
	const cJSON *one = NULL;
	enum rc rc = json_parse(text->data, text->len, &json, err);

	if (!rc && !cJSON_IsArray(json))
		return sim_faults_add(sim->faults, json, err);
	cJSON_ArrayForEach (one, json)
		if (!rc)
			rc = sim_faults_add(sim->faults, one, err);
	return rc;
}

static void answer_state(struct sim *sim, struct sim_response *rs)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	json_begin_object(&w, NULL);
	pthread_mutex_lock(&sim->counts_lock);
	json_tree(&w, "requests", sim->counts);
	pthread_mutex_unlock(&sim->counts_lock);
	json_int(&w, "faults", sim_faults_count(sim->faults));
	json_end_object(&w);
}

static bool asks(const struct sim_request *rq, const char *method, const char *path)
{
	return str_equal(rq->method, method) && str_equal(rq->path, path);
}

bool sim_control_answer(struct sim *sim, const struct sim_request *request, struct sim_response *response)
{
	struct error err;

	if (!str_has_prefix(request->path, "/sim/"))
		return false;
	if (asks(request, "POST", "/sim/faults")) {
		if (add_faults(sim, &request->body, &err)) {
			sim_answer_bad_request(response, err.text);
			return true;
		}
	} else if (asks(request, "POST", "/sim/logs")) {
		if (sim_pod_log_say(&request->body, &err)) {
			sim_answer_bad_request(response, err.text);
			return true;
		}
	} else if (asks(request, "DELETE", "/sim/faults")) {
		sim_faults_clear(sim->faults);
	} else if (asks(request, "DELETE", "/sim/state")) {
		reset_counts(sim);
	} else if (asks(request, "POST", "/sim/compact")) {
		sim_store_compact(sim->store);
	} else if (!asks(request, "GET", "/sim/state")) {
		sim_answer_no_such_path(response);
		return true;
	}
	answer_state(sim, response);
	return true;
}
