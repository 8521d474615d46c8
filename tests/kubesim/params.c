#include "tests/kubesim/params.h"

#include "common/base/strutil.h"
#include "tests/kubesim/status.h"

bool sim_param_int(const struct sim_request *rq, struct sim_response *rs, const char *key, int64_t *ret_value)
{
	const char *text = sim_request_query(rq, key);
	int64_t value;

	if (!text || !*text)
		return true;
	if (!str_parse_int64(text, &value) || value < 0) {
		sim_answer_status(rs, &(struct sim_status){ .code = 400, .reason = "BadRequest" },
				  "%s: parsing \"%s\": invalid syntax", key, text);
		return false;
	}
	*ret_value = value;
	return true;
}

bool sim_param_selector(const struct sim_request *rq, struct sim_response *rs, struct sim_selector **ret_selector)
{
	struct error err;

	if (sim_selector_parse(sim_request_query(rq, "labelSelector"), sim_request_query(rq, "fieldSelector"),
			       ret_selector, &err)) {
		sim_answer_bad_request(rs, err.text);
		return false;
	}
	return true;
}
