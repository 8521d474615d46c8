#include "tests/kubesim/api.h"

#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/auth.h"
#include "tests/kubesim/control.h"
#include "tests/kubesim/counters.h"
#include "tests/kubesim/discovery.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/status.h"

#define SEGMENTS_MAX 8

/* A path cut at its slashes. */
struct segments {
	char text[2048];
	const char *parts[SEGMENTS_MAX];
	size_t count;
};

static bool split(const char *path, struct segments *s)
{
	char *at = s->text;

	if (strlen(path) >= sizeof(s->text))
		return false;
	snprintf(s->text, sizeof(s->text), "%s", path);
	while (*at) {
		while (*at == '/')
			*at++ = '\0';
		if (!*at)
			break;
		if (s->count == SEGMENTS_MAX)
			return false;
		s->parts[s->count++] = at;
		at += strcspn(at, "/");
	}
	return true;
}

/* Copy part `i`; false when it is too long. Missing parts are "". */
static bool take(const struct segments *s, size_t i, char *out, size_t size)
{
	const char *part = i < s->count ? s->parts[i] : "";

	return (size_t)snprintf(out, size, "%s", part) < size;
}

/*
 * Read /api/v1/... and /apis/GROUP/VERSION/... with [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]].
 * False: no kind lives there. *is_watch: the old /watch/ form.
 */
static bool parse_path(const char *path, struct sim_target *t, bool *is_watch)
{
	struct segments s = { .count = 0 };
	const char *group;
	const char *version;
	size_t at;

	if (!split(path, &s) || s.count < 3)
		return false;
	if (str_equal(s.parts[0], "api")) {
		group = "";
		version = s.parts[1];
		at = 2;
	} else if (str_equal(s.parts[0], "apis") && s.count >= 4) {
		group = s.parts[1];
		version = s.parts[2];
		at = 3;
	} else {
		return false;
	}
	*is_watch = str_equal(s.parts[at], "watch");
	at += *is_watch;
	if (at + 2 < s.count && str_equal(s.parts[at], "namespaces") &&
	    (t->kind = sim_kind_find(group, version, s.parts[at + 2])) != NULL && t->kind->namespaced) {
		if (!take(&s, at + 1, t->ns, sizeof(t->ns)))
			return false;
		at += 2;
	}
	t->kind = at < s.count ? sim_kind_find(group, version, s.parts[at]) : NULL;
	return t->kind && s.count <= at + 3 && take(&s, at + 1, t->name, sizeof(t->name)) &&
	       take(&s, at + 2, t->subresource, sizeof(t->subresource)) &&
	       (!t->name[0] || t->ns[0] || !t->kind->namespaced);
}

static bool subresource_exists(const struct sim_target *t)
{
	return !t->subresource[0] || (t->kind->has_status && str_equal(t->subresource, "status")) ||
	       (t->kind->has_scale && str_equal(t->subresource, "scale"));
}

typedef void (*verb_function)(struct sim *, const struct sim_target *, struct sim_request *, struct sim_response *);

/* What may be done to a collection, an object, and a subresource. */
static const struct verb_row {
	const char *method;
	enum { ON_COLLECTION = 1, ON_OBJECT = 2, ON_SUBRESOURCE = 4 } where;
	const char *verb;
	verb_function function;
} verbs[] = {
	{ "GET", ON_COLLECTION, "list", sim_read_list }, { "GET", ON_OBJECT, "get", sim_read_one },
	{ "GET", ON_SUBRESOURCE, "get", sim_read_one },  { "POST", ON_COLLECTION, "create", sim_create },
	{ "PUT", ON_OBJECT, "update", sim_update },      { "PUT", ON_SUBRESOURCE, "update", sim_update },
	{ "PATCH", ON_OBJECT, "patch", sim_patch },      { "PATCH", ON_SUBRESOURCE, "patch", sim_patch },
	{ "DELETE", ON_OBJECT, "delete", sim_delete },
};

static const struct verb_row watch_row = { "GET", ON_COLLECTION, "watch", sim_watch };

static bool wants_watch(const struct sim_request *rq)
{
	const char *watch = sim_request_query(rq, "watch");

	return watch && !str_equal(watch, "false") && !str_equal(watch, "0");
}

static const struct verb_row *find_verb(const struct sim_target *t, const struct sim_request *rq, bool is_watch)
{
	unsigned where = t->subresource[0] ? ON_SUBRESOURCE : t->name[0] ? ON_OBJECT : ON_COLLECTION;

	if (str_equal(rq->method, "GET") && where == ON_COLLECTION && (is_watch || wants_watch(rq)))
		return &watch_row;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (verbs[i].where != where || strcmp(verbs[i].method, rq->method) != 0)
			continue;
		if (verbs[i].function == sim_create && t->kind->namespaced && !t->ns[0])
			return NULL;
		return &verbs[i];
	}
	return NULL;
}

static void answer_unknown_path(struct sim_response *rs)
{
	rs->status = 404;
	rs->content_type = "text/plain; charset=utf-8";
	buf_add_str(&rs->body, "404 page not found\n");
}

/* Does the client take JSON? */
static bool accepts_json(const char *accept)
{
	return !accept[0] || strstr(accept, "json") || strstr(accept, "*/*") || strstr(accept, "application/*");
}

/* ---- access ------------------------------------------------------------------------------------------------------ */

static void answer_forbidden(const struct sim_target *t, const char *user, struct sim_response *rs)
{
	const char *group = t->kind->group;
	struct sim_details details = { .present = true,
				       .name = t->name[0] ? t->name : NULL,
				       .group = group[0] ? group : NULL,
				       .kind = t->kind->plural };
	char named[560] = "";
	char where[300];

	if (t->name[0])
		snprintf(named, sizeof(named), " \"%s\"", t->name);
	snprintf(where, sizeof(where), t->ns[0] ? "in the namespace \"%s\"" : "at the cluster scope%s", t->ns);
	sim_answer_status(rs, 403, "Forbidden", &details,
			  "%s%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\" %s",
			  t->kind->resource, named, user, t->verb, t->resource, group, where);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* What a Status of this code says when the test does not say it. */
static const struct {
	unsigned code;
	const char *reason;
	const char *message;
} usual[] = {
	{ 400, "BadRequest", "the server rejected our request for an unknown reason" },
	{ 401, "Unauthorized", "Unauthorized" },
	{ 403, "Forbidden", "forbidden" },
	{ 404, "NotFound", "the server could not find the requested resource" },
	{ 409, "Conflict",
	  "the object has been modified; please apply your changes to the latest version and try again" },
	{ 410, "Expired", "too old resource version" },
	{ 429, "TooManyRequests", "the server has received too many requests and has asked us to try again later" },
	{ 500, "InternalError", "Internal error occurred: simulated" },
	{ 503, "ServiceUnavailable", "the server is currently unable to handle the request" },
	{ 504, "Timeout", "Timeout: request did not complete within the allotted timeout" },
};

void sim_fault_words(const struct sim_fault *fault, const char **ret_reason, const char **ret_message)
{
	*ret_reason = "";
	*ret_message = "simulated";
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (usual[i].code == (unsigned)fault->status) {
			*ret_reason = usual[i].reason;
			*ret_message = usual[i].message;
		}
	}
	if (fault->reason[0])
		*ret_reason = fault->reason;
	if (fault->message[0])
		*ret_message = fault->message;
}

static void answer_fault_status(const struct sim_fault *fault, struct sim_response *rs)
{
	struct sim_details details = { .present = true };
	int64_t seconds;
	const char *reason;
	const char *message;

	sim_fault_words(fault, &reason, &message);
	if (str_parse_int64(fault->retry_after, &seconds) && seconds > 0 && seconds < INT32_MAX)
		details.retry_after_s = (int)seconds;
	sim_answer_status(rs, (unsigned)fault->status, reason, details.retry_after_s ? &details : NULL, "%s", message);
	snprintf(rs->retry_after, sizeof(rs->retry_after), "%s", fault->retry_after);
	if (!fault->html)
		return;
	rs->content_type = "text/html";
	buf_reset(&rs->body);
	buf_addf(&rs->body,
		 "<html><body><h1>%u %s</h1>\nNo server is available to handle this request.\n</body></html>\n",
		 rs->status, message);
}

/* Let one fault strike a request. True: the request ends here. */
static bool suffer(const struct sim_fault *fault, const struct sim_target *t, const char *user,
		   const struct sim_request *rq, struct sim_response *rs)
{
	switch (fault->action) {
	case ACTION_LATENCY:
		return !sim_request_pause(rq, fault->ms);
	case ACTION_HANG:
		while (sim_request_pause(rq, 1000))
			;
		rs->drop = true;
		return true;
	case ACTION_DROP:
		rs->drop = true;
		return true;
	case ACTION_STATUS:
		answer_fault_status(fault, rs);
		return true;
	case ACTION_FORBIDDEN:
		if (t)
			answer_forbidden(t, user, rs);
		return t != NULL;
	case ACTION_SLOW_BODY:
		rs->slow_bytes = (size_t)fault->bytes;
		rs->slow_delay_ms = fault->ms;
		return false;
	case ACTION_QUOTA:
	case ACTION_WATCH_ERROR:
	case ACTION_WATCH_EOF:
	case ACTION_WATCH_SILENT:
	case ACTION_WATCH_CHUNK:
	case ACTION_EVENT_DUPLICATE:
	case ACTION_EVENT_PAD:
	case ACTION_EVENT_CUT:
		return false; /* they strike elsewhere */
	}
	return false;
}

/* All faults of one stage. True: the request ends here. */
static bool suffer_all(struct sim *sim, enum sim_stage stage, const struct sim_target *t, const char *user,
		       const struct sim_request *rq, struct sim_response *rs)
{
	struct sim_occasion occasion = { .stage = stage, .method = rq->method, .path = rq->path, .target = t };
	struct sim_fault fault;
	size_t cursor = 0;

	while (sim_faults_take(sim->faults, &occasion, &cursor, &fault))
		if (suffer(&fault, t, user, rq, rs))
			return true;
	return false;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Find out what the request is about. False: nothing that is served, and the response says so. */
static bool find_target(struct sim_request *rq, struct sim_response *rs, struct sim_target *t,
			const struct verb_row **ret_row)
{
	struct sim_details none = { .present = true };
	bool is_watch = false;

	if (!parse_path(rq->path, t, &is_watch)) {
		if (str_has_prefix(rq->path, "/api/v1/") || str_has_prefix(rq->path, "/apis/apps/v1/"))
			sim_answer_no_such_path(rs);
		else
			answer_unknown_path(rs);
		return false;
	}
	*ret_row = subresource_exists(t) ? find_verb(t, rq, is_watch) : NULL;
	if (*ret_row) {
		t->verb = (*ret_row)->verb;
		snprintf(t->resource, sizeof(t->resource), "%s%s%s", t->kind->plural, t->subresource[0] ? "/" : "",
			 t->subresource);
		return true;
	}
	if (!subresource_exists(t))
		sim_answer_no_such_path(rs);
	else
		sim_answer_status(rs, 405, "MethodNotAllowed", &none,
				  "the server does not allow this method on the requested resource");
	return false;
}

static void serve(struct sim *sim, const struct sim_target *t, const struct verb_row *row, struct sim_request *rq,
		  struct sim_response *rs)
{
	struct sim_details none = { .present = true };

	if (!accepts_json(rq->accept))
		sim_answer_status(rs, 406, "NotAcceptable", &none,
				  "406: Not Acceptable\n\nAvailable representations: application/json, "
				  "application/yaml, application/vnd.kubernetes.protobuf");
	else if (rq->too_large)
		sim_answer_status(rs, 413, "RequestEntityTooLarge", NULL, "Request entity too large: limit is %zu",
				  HTTP_BODY_MAX);
	else
		row->function(sim, t, rq, rs);
}

void sim_api_handle(void *ctx, struct sim_request *request, struct sim_response *response)
{
	struct sim *sim = ctx;
	struct sim_target target = { 0 };
	const struct sim_target *known;
	const struct verb_row *row = NULL;
	char user[256];
	bool answered;

	if (sim_control_answer(sim, request, response))
		return;
	answered = sim_discovery_answer(request, response) || !find_target(request, response, &target, &row);
	known = row ? &target : NULL;
	if (known)
		sim_counters_add(sim->counters, target.verb, target.resource);
	if (!sim_auth_check(sim->auth, request->authorization, user, sizeof(user)) &&
	    !sim_discovery_is_public(request->path)) {
		sim_answer_status(response, 401, "Unauthorized", NULL, "Unauthorized");
		return;
	}
	if (suffer_all(sim, STAGE_BEFORE, known, user, request, response))
		return;
	if (!answered)
		serve(sim, &target, row, request, response);
	if (!suffer_all(sim, STAGE_AFTER, known, user, request, response))
		(void)suffer_all(sim, STAGE_BODY, known, user, request, response); /* none of them ends a request */
}
