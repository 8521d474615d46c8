#include "tests/kubesim/api.h"

#include <string.h>
#include <strings.h>

#include "common/base/strutil.h"
#include "tests/kubesim/control.h"
#include "tests/kubesim/discovery.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/pod_exec.h"

/* Subresources that are not objects. */
#define LOG "log"
#define EXEC "exec"

/* ---- parsing a request ------------------------------------------------------------------------------------- */

/*
 * Read /api/v1/..., /apis/apps/v1/... and so on with [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]].
 * Returns false if there is no such kind.
 */
static bool parse_path(const char *path, struct sim_target *t)
{
	static const struct {
		const char *prefix;
		const char *group;
	} groups[] = { { "/api/v1/", "" },
		       { "/apis/apps/v1/", "apps" },
		       { "/apis/autoscaling/v2/", "autoscaling" },
		       { "/apis/metrics.k8s.io/v1beta1/", "metrics.k8s.io" } };
	char parts[5][SIM_NAME_MAX] = { "" };
	const char *group = NULL;
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups) && !group; i++) {
		if (!str_has_prefix(path, groups[i].prefix))
			continue;
		group = groups[i].group;
		path += strlen(groups[i].prefix);
	}
	if (!group)
		return false;
	(void)sscanf(path, "%253[^/]/%253[^/]/%253[^/]/%253[^/]/%253[^/]", parts[0], parts[1], parts[2], parts[3],
		     parts[4]); /* absent parts remain empty */
	if (str_equal(parts[0], "namespaces") && sim_kind_find(group, parts[2])) {
		memcpy(t->ns, parts[1], sizeof(t->ns));
		at = 2;
	}
	t->kind = sim_kind_find(group, parts[at]);
	memcpy(t->name, parts[at + 1], sizeof(t->name));
	memcpy(t->subresource, parts[at + 2], sizeof(t->subresource));
	return t->kind && (!t->subresource[0] || str_equal(t->subresource, "status") ||
			   (t->kind == &sim_kinds[SIM_POD] &&
			    (str_equal(t->subresource, LOG) || str_equal(t->subresource, EXEC))) ||
			   (t->kind->has_scale && str_equal(t->subresource, "scale")));
}

/* Methods of a collection, an object and its subresources; the first matching row applies. */
static const struct verb_row {
	const char *method;
	bool named;
	bool on_subresources;
	const char *verb;
	/* NULL: rejected */
	void (*function)(struct sim *, const struct sim_target *, struct sim_request *, struct sim_response *);
	const char *const queries[9]; /* supported parameters, NULL-terminated */
} verbs[] = {
	{ "GET",
	  false,
	  false,
	  "watch",
	  sim_watch,
	  { "watch", "labelSelector", "fieldSelector", "resourceVersion", "timeoutSeconds", "allowWatchBookmarks",
	    "sendInitialEvents", "resourceVersionMatch" } },
	{ "GET",
	  false,
	  false,
	  "list",
	  sim_read_list,
	  { "watch", "labelSelector", "fieldSelector", "resourceVersion", "limit", "continue",
	    "resourceVersionMatch" } },
	{ "GET", true, true, "get", sim_read_one, { NULL } },
	{ "POST", false, false, "create", sim_create, { "fieldManager", "fieldValidation", "dryRun" } },
	{ "PUT", true, true, "update", sim_update, { "fieldManager", "fieldValidation", "dryRun" } },
	{ "PATCH", true, true, "patch", sim_patch, { "fieldManager", "fieldValidation" } },
	{ "DELETE", true, false, "delete", sim_delete, { "gracePeriodSeconds" } },
	{ "DELETE", false, false, "deletecollection", NULL, { "labelSelector", "gracePeriodSeconds" } },
};

static const struct verb_row log_verb = {
	"GET",
	true,
	true,
	"get",
	sim_pod_log,
	{ "container", "follow", "previous", "sinceTime", "sinceSeconds", "timestamps", "tailLines", "limitBytes" },
};

static const struct verb_row exec_verb = {
	"GET", true, true, "get", sim_pod_exec, { "container", "command", "stdin", "stdout", "stderr", "tty" },
};

static const struct verb_row *find_verb(const struct sim_target *t, const struct sim_request *rq)
{
	if (str_equal(t->subresource, LOG))
		return str_equal(rq->method, "GET") ? &log_verb : NULL;
	if (str_equal(t->subresource, EXEC))
		return str_equal(rq->method, "GET") ? &exec_verb : NULL;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (verbs[i].named == (t->name[0] != '\0') && str_equal(verbs[i].method, rq->method) &&
		    (verbs[i].on_subresources || !t->subresource[0]) &&
		    (verbs[i].function != sim_watch || sim_request_flag(rq, "watch")))
			return &verbs[i];
	return NULL;
}

/* Parse the request. NULL: not served; the response is set. */
static const struct verb_row *find_target(const struct sim_request *rq, struct sim_response *rs, struct sim_target *t)
{
	const struct verb_row *row;

	if (!parse_path(rq->path, t)) {
		sim_answer_no_such_path(rs);
		return NULL;
	}
	row = find_verb(t, rq);
	if (!row) {
		sim_answer_status(rs, &(struct sim_status){ .code = 405, .reason = "MethodNotAllowed" },
				  "the server does not allow this method on the requested resource");
		return NULL;
	}
	t->verb = row->verb;
	snprintf(t->resource, sizeof(t->resource), "%s%s%s", t->kind->plural, t->subresource[0] ? "/" : "",
		 t->subresource);
	return row;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static void answer_forbidden(const struct sim_target *t, struct sim_response *rs)
{
	struct sim_status status = { .code = 403, .reason = "Forbidden", .kind = t->kind, .name = t->name };
	char named[SIM_NAME_MAX + 4] = "";
	char where[SIM_NAME_MAX + 32];

	if (t->name[0])
		snprintf(named, sizeof(named), " \"%s\"", t->name);
	snprintf(where, sizeof(where), t->ns[0] ? "in the namespace \"%s\"" : "at the cluster scope%s", t->ns);
	sim_answer_status(
		rs, &status,
		"%s%s is forbidden: User \"system:serviceaccount:default:kubesim\" cannot %s resource \"%s\" in "
		"API group \"%s\" %s",
		t->kind->resource, named, t->verb, t->resource, t->kind->group, where);
}

static void answer_fault_status(const struct sim_fault *fault, struct sim_response *rs)
{
	struct sim_status status = sim_fault_status(fault);

	sim_answer_status(rs, &status, "%s", fault->message);
	rs->retry_after_s = status.retry_after_s;
	if (!fault->html)
		return;
	rs->content_type = "text/html";
	buf_reset(&rs->body);
	buf_addf(&rs->body, "<html><body><h1>%u</h1>\nNo server is available to handle this request.\n</body></html>\n",
		 rs->status);
}

/* Apply one fault to a request. True: the request is finished. */
static bool suffer(const struct sim_fault *fault, const struct sim_target *t, const struct sim_request *rq,
		   struct sim_response *rs)
{
	if (fault->action == ACTION_LATENCY)
		return !sim_request_pause(rq, fault->ms);
	if (fault->action == ACTION_SLOW_BODY) {
		rs->slow_bytes = (size_t)fault->bytes;
		rs->slow_delay_ms = fault->ms;
		return false;
	}
	if (fault->action == ACTION_FORBIDDEN && !t)
		return false;
	if (fault->action == ACTION_FORBIDDEN)
		answer_forbidden(t, rs);
	else if (fault->action == ACTION_STATUS)
		answer_fault_status(fault, rs);
	else
		rs->drop = true;
	while (fault->action == ACTION_HANG && sim_request_pause(rq, 1000))
		;
	return true;
}

/* Apply all faults of one stage. True: the request is finished. */
static bool suffer_all(struct sim *sim, enum sim_stage stage, const struct sim_target *t, const struct sim_request *rq,
		       struct sim_response *rs)
{
	struct sim_occasion occasion = { .stage = stage, .method = rq->method, .path = rq->path, .target = t };
	struct sim_fault fault;
	size_t cursor = 0;

	while (sim_faults_take(sim->faults, &occasion, &cursor, &fault))
		if (suffer(&fault, t, rq, rs))
			return true;
	return false;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static bool may_come_in(const struct sim *sim, const struct sim_request *rq)
{
	static const char scheme[] = "Bearer ";

	if (!sim->options.token || sim_discovery_is_public(rq->path))
		return true;
	return rq->authorization && strncasecmp(rq->authorization, scheme, strlen(scheme)) == 0 &&
	       str_equal(rq->authorization + strlen(scheme), sim->options.token);
}

void sim_api_handle(void *ctx, struct sim_request *request, struct sim_response *response)
{
	struct sim *sim = ctx;
	struct sim_target target = { 0 };
	const struct sim_target *known;
	const struct verb_row *row = NULL;
	const char *other;

	if (sim_control_answer(sim, request, response))
		return;
	if (!sim_discovery_answer(request, response))
		row = find_target(request, response, &target);
	known = row ? &target : NULL;
	if (row)
		sim_control_count(sim, target.verb, target.resource);
	if (!may_come_in(sim, request)) {
		sim_answer_status(response, &(struct sim_status){ .code = 401, .reason = "Unauthorized" },
				  "Unauthorized");
		return;
	}
	if (suffer_all(sim, STAGE_BEFORE, known, request, response))
		return;
	other = row ? sim_request_other_query(request, row->queries) : NULL;
	if (row && (!row->function || (target.kind->list && row->function != sim_read_list)))
		other = row->verb;
	if (request->too_large)
		sim_answer_status(response, &(struct sim_status){ .code = 413, .reason = "RequestEntityTooLarge" },
				  "Request entity too large: limit is %zu", HTTP_BODY_MAX);
	else if (other)
		sim_answer_refused(response, other);
	else if (row && target.kind->list)
		target.kind->list(sim, &target, request, response);
	else if (row)
		row->function(sim, &target, request, response);
	if (!suffer_all(sim, STAGE_AFTER, known, request, response))
		(void)suffer_all(sim, STAGE_BODY, known, request, response); /* none of them ends a request */
}
