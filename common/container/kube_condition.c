#include "common/container/kube_condition.h"

#include "common/base/strutil.h"

const cJSON *kube_condition(const cJSON *object, const char *type)
{
	const cJSON *condition = NULL;

	cJSON_ArrayForEach (condition, json_at(object, "status.conditions"))
		if (str_equal(json_string_at(condition, "type"), type))
			return condition;
	return NULL;
}

static bool is_marked_not_ready(const cJSON *pod, const cJSON *ready)
{
	const char *reason = json_string_at(ready, "reason");

	return str_equal(json_string_at(ready, "status"), "False") && (!reason || !reason[0]) &&
	       str_equal(json_string_at(kube_condition(pod, "ContainersReady"), "status"), "True") &&
	       !json_at(pod, "spec.readinessGates");
}

bool kube_condition_node_is_lost(const cJSON *pod)
{
	const cJSON *ready = kube_condition(pod, "Ready");

	return str_equal(json_string_at(ready, "status"), "Unknown") ||
	       str_equal(json_string_at(pod, "status.reason"), "NodeLost") || is_marked_not_ready(pod, ready);
}
