#include "api-svc/log_query.h"

#include "api-svc/parameters.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"

#define AHEAD_MAX_MS 2000 /* allowed clock skew */

void log_query_check(const struct target *target, struct faults *faults)
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
