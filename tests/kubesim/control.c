#include "tests/kubesim/control.h"

#include "common/base/strutil.h"
#include "tests/kubesim/counters.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/status.h"

static enum rc add_all(struct sim *sim, const cJSON *json, struct error *err)
{
	const cJSON *one = NULL;
	enum rc rc = RC_OK;

	if (!cJSON_IsArray(json))
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
	sim_counters_write(sim->counters, &w, "requests");
	json_int(&w, "faults", sim_faults_count(sim->faults));
	json_end_object(&w);
}

static void get_state(struct sim *sim, const struct sim_request *rq, struct sim_response *rs)
{
	(void)rq;
	answer_state(sim, rs);
}

static void delete_state(struct sim *sim, const struct sim_request *rq, struct sim_response *rs)
{
	(void)rq;
	sim_counters_reset(sim->counters);
	answer_state(sim, rs);
}

static void post_faults(struct sim *sim, const struct sim_request *rq, struct sim_response *rs)
{
	cleanup_json cJSON *json = NULL;
	struct error err;

	if (json_parse(rq->body.data, rq->body.len, &json, &err) || add_all(sim, json, &err))
		sim_answer_bad_request(rs, err.text);
	else
		answer_state(sim, rs);
}

static void delete_faults(struct sim *sim, const struct sim_request *rq, struct sim_response *rs)
{
	(void)rq;
	sim_faults_clear(sim->faults);
	answer_state(sim, rs);
}

static void post_compact(struct sim *sim, const struct sim_request *rq, struct sim_response *rs)
{
	(void)rq;
	sim_store_compact(sim->store);
	answer_state(sim, rs);
}

static const struct {
	const char *method;
	const char *path;
	void (*answer)(struct sim *sim, const struct sim_request *rq, struct sim_response *rs);
} routes[] = {
	{ "GET", "/sim/state", get_state },       { "DELETE", "/sim/state", delete_state },
	{ "POST", "/sim/faults", post_faults },   { "DELETE", "/sim/faults", delete_faults },
	{ "POST", "/sim/compact", post_compact },
};

bool sim_control_answer(struct sim *sim, const struct sim_request *request, struct sim_response *response)
{
	if (!str_has_prefix(request->path, "/sim/"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (str_equal(routes[i].method, request->method) && str_equal(routes[i].path, request->path)) {
			routes[i].answer(sim, request, response);
			return true;
		}
	}
	sim_answer_no_such_path(response);
	return true;
}
