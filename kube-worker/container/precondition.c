#include "kube-worker/container/precondition.h"

#include "common/base/strutil.h"
#include "kube-worker/container/container_gather.h"

#define MEMBER "if_match"
#define ANY "*"

bool precondition_is_member(const struct request_member *member unused, const cJSON *value)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, value)
		if (!cJSON_IsString(item))
			return false;
	return cJSON_IsArray(value) || str_equal(cJSON_GetStringValue(value), ANY);
}

bool precondition_is_given(const cJSON *request)
{
	return json_get(request, MEMBER) != NULL;
}

static bool is_among(const cJSON *versions, const char *etag)
{
	const cJSON *version = NULL;

	cJSON_ArrayForEach (version, versions)
		if (str_equal(cJSON_GetStringValue(version), etag))
			return true;
	return false;
}

enum rc precondition_check(struct op_call *call, const cJSON *request, const struct root *root, struct error *err)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	const cJSON *versions = json_get(request, MEMBER);
	char etag[CONTAINER_ETAG_MAX];
	enum rc rc;

	if (!cJSON_IsArray(versions))
		return RC_OK;
	rc = container_gather(call, root, &extras, err);
	if (!rc)
		rc = container_view_etag(root->object, &extras, etag, err);
	if (!rc && !is_among(versions, etag))
		rc = error_set(err, RC_PRECONDITION, "the container has another version: its etag is %s", etag);
	return rc;
}
