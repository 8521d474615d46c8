#include "api-svc/exec_request.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "api-svc/parameters.h"
#include "common/base/duration.h"
#include "common/base/strutil.h"
#include "common/services/log.h"

/* Accepts the spellings of Kubernetes clients in several languages. */
static bool is_wanted(const struct target *target, const char *name)
{
	const char *value = parameters_query(target, name);

	return value && (strcasecmp(value, "true") == 0 || str_equal(value, "1"));
}

static bool wants_stderr(const struct target *target)
{
	return is_wanted(target, "stderr") && !is_wanted(target, "tty");
}

void exec_request_check(const struct target *target, struct faults *faults)
{
	if (!is_wanted(target, "stdin") && !is_wanted(target, "stdout") && !wants_stderr(target))
		faults_add(faults, "/query", "one of stdin, stdout and stderr must be true; stderr only without tty");
}

void exec_request_write(const struct target *target, struct json_writer *w)
{
	json_begin_array(w, "command");
	for (size_t i = 0; i < target->query_count; i++)
		if (str_equal(target->query[i].name, "command"))
			json_string(w, NULL, target->query[i].value);
	json_end_array(w);
	json_optional_string(w, "container", parameters_query(target, "container"));
	json_optional_string(w, "replica", parameters_query(target, "replica"));
	json_bool(w, "stdin", is_wanted(target, "stdin"));
	json_bool(w, "stdout", is_wanted(target, "stdout"));
	json_bool(w, "stderr", wants_stderr(target));
	json_bool(w, "tty", is_wanted(target, "tty"));
}

void exec_request_check_body(const cJSON *body, int64_t max_ms, struct faults *faults)
{
	const char *text = json_string_at(body, "timeout");
	int64_t ms;

	if (!text)
		return;
	if (!duration_parse_ms(text, &ms) || ms < 1)
		faults_add(faults, "/timeout", "must be a duration above zero, such as 10s");
	else if (ms > max_ms)
		faults_add(faults, "/timeout", "must be %" PRId64 " ms at most, the request timeout", max_ms);
}

int64_t exec_request_timeout_ms(const cJSON *body, int64_t max_ms)
{
	const char *text = json_string_at(body, "timeout");
	int64_t ms = max_ms;

	return text && duration_parse_ms(text, &ms) ? ms : max_ms;
}

void exec_request_log(const struct exec_use *use)
{
	char word[LOG_VALUE_MAX + 2]; /* longer ones are truncated by the log */

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(use->program, " \t\n\v\f\r"), use->program);
	log_info("a command in a container", log_str("client", use->client[0] ? use->client : NULL),
		 log_str("id", use->id), log_str("program", word), log_str("request_id", use->request_id));
}
