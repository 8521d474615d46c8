#include "tests/kubesim/params.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/status.h"

#define META_GROUP "meta.k8s.io"
#define TOO_LARGE_WAIT_MS 3000 /* how long the API server waits for a version that it has not reached */
#define TOO_LARGE_STEP_MS 20

bool sim_param_int(const struct sim_request *rq, struct sim_response *rs, const char *key, int64_t *ret_value)
{
	const char *text = sim_request_query(rq, key);
	int64_t value;

	if (!text || !*text)
		return true;
	if (!str_parse_int64(text, &value)) {
		sim_answer_status(rs, 400, "BadRequest", NULL, "strconv.ParseInt: parsing \"%s\": invalid syntax",
				  text);
		return false;
	}
	if (ret_value)
		*ret_value = value;
	return true;
}

bool sim_param_version(const struct sim_request *rq, struct sim_response *rs, uint64_t *ret_version)
{
	const char *text = sim_request_query(rq, "resourceVersion");

	*ret_version = 0;
	if (!text || !*text)
		return true;
	if (text[strspn(text, "0123456789")] != '\0') {
		sim_answer_status(
			rs, 400, "BadRequest", NULL,
			"invalid resource version: resourceVersion: Invalid value: \"%s\": strconv.ParseUint: "
			"parsing \"%s\": invalid syntax",
			text, text);
		return false;
	}
	*ret_version = strtoull(text, NULL, 10);
	return true;
}

bool sim_params_check_match(const struct sim_request *rq, struct sim_response *rs, bool watch)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *match = sim_request_query(rq, "resourceVersionMatch");
	const char *version = sim_request_query(rq, "resourceVersion");
	const char *initial = sim_request_query(rq, "sendInitialEvents");
	bool matches = match && *match;
	const char *fault = NULL;

	if (watch && initial && !str_equal(match, "NotOlderThan"))
		fault = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
	else if (watch && matches && !initial)
		fault = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
	else if (!watch && matches && (!version || !*version))
		fault = "resourceVersionMatch is forbidden unless resourceVersion is provided";
	else if (!watch && str_equal(match, "Exact") && str_equal(version, "0"))
		fault = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
	if (fault)
		sim_cause_add(&causes, FAULT_FORBIDDEN, "resourceVersionMatch", NULL, fault);
	else if (matches && !str_equal(match, "Exact") && !str_equal(match, "NotOlderThan"))
		sim_cause_text(&causes, FAULT_UNSUPPORTED, "resourceVersionMatch", match,
			       "supported values: \"Exact\", \"NotOlderThan\", \"\"");
	if (watch && str_equal(match, "Exact"))
		sim_cause_text(&causes, FAULT_UNSUPPORTED, "resourceVersionMatch", match,
			       "supported values: \"NotOlderThan\"");
	if (causes.count)
		sim_answer_invalid(rs, META_GROUP, "ListOptions", "", &causes);
	return causes.count == 0;
}

bool sim_params_selector(const struct sim_request *rq, struct sim_response *rs, const struct sim_kind *kind,
			 struct sim_selector **ret_selector)
{
	struct error err;

	if (sim_selector_parse(kind, sim_request_query(rq, "labelSelector"), sim_request_query(rq, "fieldSelector"),
			       ret_selector, &err)) {
		sim_answer_bad_request(rs, err.text);
		return false;
	}
	return true;
}

bool sim_params_wait_for(struct sim *sim, const struct sim_request *rq, struct sim_response *rs, uint64_t version)
{
	struct sim_cause too_large = { .reason = "ResourceVersionTooLarge",
				       .message = (char *)(uintptr_t) "Too large resource version" };
	struct sim_causes causes = { .items = { too_large }, .count = 1 };
	struct sim_details details = { .present = true, .causes = &causes, .retry_after_s = 1 };
	int64_t until_ms = clock_mono_ms() + TOO_LARGE_WAIT_MS;

	while (version > sim_store_version(sim->store)) {
		if (clock_mono_ms() < until_ms && sim_request_pause(rq, TOO_LARGE_STEP_MS))
			continue;
		sim_answer_status(rs, 504, "Timeout", &details,
				  "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64, version,
				  sim_store_version(sim->store));
		snprintf(rs->retry_after, sizeof(rs->retry_after), "1");
		return false;
	}
	return true;
}

bool sim_param_dry_run(const struct sim_request *rq, struct sim_response *rs, const char *options, bool *ret)
{
	struct sim_causes causes cleanup_causes = { .count = 0 };
	const char *value = sim_request_query(rq, "dryRun");
	char shown[128];

	*ret = str_equal(value, "All");
	if (!value || !*value || *ret)
		return true;
	snprintf(shown, sizeof(shown), "[\"%.100s\"]", value);
	sim_cause_add(&causes, FAULT_UNSUPPORTED, "dryRun", shown, "supported values: \"All\"");
	sim_answer_invalid(rs, META_GROUP, options, "", &causes);
	return false;
}
