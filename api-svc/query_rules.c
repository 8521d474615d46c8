#include "api-svc/query_rules.h"

#include "api-svc/parameters.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/list_filter.h"
#include "common/container/list_order.h"

#define AHEAD_MAX_MS 2000 /* allowed clock skew */

/* ---- lists, and a watch ------------------------------------------------------------------------------------------ */

static enum rc check_filter(const char *text, struct error *err)
{
	struct list_filter *filter cleanup_list_filter = NULL;

	return list_filter_parse(text, &filter, err);
}

static enum rc check_order(const char *text, struct error *err)
{
	struct list_order order;

	return list_order_parse(text, &order, err);
}

static const struct {
	const char *name;
	const char *pointer;
	enum rc (*check)(const char *text, struct error *err);
} parameters[] = {
	{ "filter", "/query/filter", check_filter },
	{ "order_by", "/query/order_by", check_order },
};

/* NULL: absent or empty. */
static const char *value_of(const struct target *target, const char *name)
{
	const char *text = parameters_query(target, name);

	return text && text[0] ? text : NULL;
}

void query_rules_check_list(const struct target *target, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		const char *text = value_of(target, parameters[i].name);
		struct error err;
		enum rc rc = text ? parameters[i].check(text, &err) : RC_OK;

		if (rc == RC_NO_MEMORY)
			faults->no_memory = true;
		else if (rc)
			faults_add(faults, parameters[i].pointer, "%s", err.text);
	}
}

void query_rules_check_watch(const struct target *target, struct faults *faults)
{
	static const char *const of_lists[][2] = {
		{ "order_by", "/query/order_by" },
		{ "max_page_size", "/query/max_page_size" },
		{ "page_token", "/query/page_token" },
	};

	for (size_t i = 0; i < ARRAY_LEN(of_lists); i++)
		if (parameters_query(target, of_lists[i][0]))
			faults_add(faults, of_lists[i][1], "is not supported by a watch");
	query_rules_check_list(target, faults);
}

bool query_rules_is_narrowed(const struct target *target)
{
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (value_of(target, parameters[i].name))
			return true;
	return false;
}

/* ---- logs -------------------------------------------------------------------------------------------------------- */

void query_rules_check_logs(const struct target *target, struct faults *faults)
{
	const char *time = parameters_query(target, "since_time");
	const char *follow = parameters_query(target, "follow");
	const char *previous = parameters_query(target, "previous");
	int64_t ms;

	if (time && clock_parse_rfc3339(time, &ms) && ms > clock_wall_ms() + AHEAD_MAX_MS)
		faults_add(faults, "/query/since_time", "must not be in the future");
	if (time && parameters_query(target, "since_seconds"))
		faults_add(faults, "/query/since_seconds", "conflicts with since_time");
	if (str_equal(follow, "true") && str_equal(previous, "true"))
		faults_add(faults, "/query/previous", "conflicts with follow: that run has ended");
}
