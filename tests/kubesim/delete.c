/*
 * DELETE: options from body and query, preconditions, and what is answered.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/params.h"
#include "tests/kubesim/status.h"

static const char *const propagation_names[] = {
	[PROPAGATION_BACKGROUND] = "Background",
	[PROPAGATION_FOREGROUND] = "Foreground",
	[PROPAGATION_ORPHAN] = "Orphan",
};

struct delete_request {
	struct sim_delete_options options;
	cJSON *body; /* may be NULL */
	bool dry_run;
};

static bool read_propagation(const char *text, struct sim_response *rs, enum sim_propagation *ret)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };

	if (!text || !*text)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(propagation_names); i++) {
		if (strcmp(propagation_names[i], text) == 0) {
			*ret = (enum sim_propagation)i;
			return true;
		}
	}
	sim_cause_text(&causes, FAULT_UNSUPPORTED, "propagationPolicy", text,
		       "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"");
	sim_answer_invalid(rs, "meta.k8s.io", "DeleteOptions", "", &causes);
	return false;
}

static bool read_options(const struct sim_request *rq, struct sim_response *rs, struct delete_request *d)
{
	const char *policy = sim_request_query(rq, "propagationPolicy");
	struct error err;

	d->options.grace_s = -1;
	if (rq->body.len && json_parse(rq->body.data, rq->body.len, &d->body, &err)) {
		sim_answer_status(rs, 400, "BadRequest", NULL, "couldn't get version/kind; json parse error: %s",
				  err.text);
		return false;
	}
	if (!sim_param_dry_run(rq, rs, "DeleteOptions", &d->dry_run) ||
	    !sim_param_int(rq, rs, "gracePeriodSeconds", &d->options.grace_s))
		return false;
	if (str_equal(cJSON_GetStringValue(cJSON_GetArrayItem(json_get(d->body, "dryRun"), 0)), "All"))
		d->dry_run = true;
	d->options.grace_s = json_int_at(d->body, "gracePeriodSeconds", d->options.grace_s);
	if (json_string_at(d->body, "propagationPolicy"))
		policy = json_string_at(d->body, "propagationPolicy");
	return read_propagation(policy, rs, &d->options.propagation);
}

static bool check_preconditions(const struct sim_target *t, const cJSON *body, const struct sim_object *current,
				struct sim_response *rs)
{
	const char *uid = json_string_at(body, "preconditions.uid");
	const char *version = json_string_at(body, "preconditions.resourceVersion");
	struct sim_details details = { .present = true,
				       .name = t->name,
				       .group = t->kind->group[0] ? t->kind->group : NULL,
				       .kind = t->kind->kind };
	char now[32];

	snprintf(now, sizeof(now), "%" PRIu64, current->version);
	if (uid && !str_equal(uid, current->uid)) {
		sim_answer_status(
			rs, 409, "Conflict", &details,
			"Operation cannot be fulfilled on %s \"%s\": the UID in the precondition (%s) does not "
			"match the UID in record (%s). The object might have been deleted and then recreated",
			t->kind->qualified, t->name, uid, current->uid);
		return false;
	}
	if (version && !str_equal(version, now)) {
		sim_answer_status(rs, 409, "Conflict", &details,
				  "Operation cannot be fulfilled on %s \"%s\": the ResourceVersion in the precondition "
				  "(%s) does not match the ResourceVersion in record (%s). The object might have been "
				  "modified",
				  t->kind->qualified, t->name, version, now);
		return false;
	}
	return true;
}

static void answer_success(const struct sim_target *t, const struct sim_object *object, struct sim_response *rs)
{
	struct json_writer w = json_writer_make(&rs->body);

	rs->status = 200;
	json_begin_object(&w, NULL);
	json_string(&w, "kind", "Status");
	json_string(&w, "apiVersion", "v1");
	json_begin_object(&w, "metadata");
	json_end_object(&w);
	json_string(&w, "status", "Success");
	json_begin_object(&w, "details");
	json_string(&w, "name", t->name);
	if (t->kind->group[0])
		json_string(&w, "group", t->kind->group);
	json_string(&w, "kind", t->kind->plural);
	json_string(&w, "uid", object->uid);
	json_end_object(&w);
	json_end_object(&w);
}

static enum rc delete_once(struct sim *sim, const struct sim_target *t, const struct delete_request *d,
			   struct sim_response *rs)
{
	cleanup_object struct sim_object *current = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_object struct sim_object *result = NULL;
	bool removed = true;
	enum rc rc;

	if (!current) {
		sim_answer_not_found(rs, t->kind, t->name);
		return RC_OK;
	}
	if (!check_preconditions(t, d->body, current, rs))
		return RC_OK;
	if (d->dry_run) {
		result = sim_object_ref(current);
	} else {
		rc = sim_objects_delete(sim, current, &d->options, &result, &removed);
		if (rc)
			return rc;
	}
	if (removed && !t->kind->deletes_whole) {
		answer_success(t, current, rs);
	} else {
		rs->status = 200;
		rs->object = TAKE(result);
	}
	return RC_OK;
}

void sim_delete(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	struct delete_request d = { .options = { .propagation = PROPAGATION_BACKGROUND } };
	enum rc rc = RC_OK;

	if (read_options(rq, rs, &d)) {
		do {
			rc = delete_once(sim, t, &d, rs);
		} while (rc == RC_CONFLICT);
	}
	if (rc)
		sim_answer_not_found(rs, t->kind, t->name);
	cJSON_Delete(d.body);
}
