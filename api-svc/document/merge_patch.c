#include "api-svc/document/merge_patch.h"

/* Copy a value to where no object exists: without null members. */
static enum rc place(cJSON *target, const cJSON *value, cJSON **ret_placed, struct error *err)
{
	cJSON *placed = cJSON_IsObject(value) ? cJSON_CreateObject() : cJSON_Duplicate(value, 1);

	if (!placed)
		return error_no_memory(err);
	if (!(json_get(target, value->string) ? cJSON_ReplaceItemInObjectCaseSensitive(target, value->string, placed)
					      : cJSON_AddItemToObject(target, value->string, placed))) {
		cJSON_Delete(placed);
		return error_no_memory(err);
	}
	*ret_placed = placed;
	return RC_OK;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static enum rc apply(cJSON *target, const cJSON *value, struct error *err)
{
	cJSON *there = json_get(target, value->string);
	const cJSON *member = NULL;
	enum rc rc = RC_OK;

	if (cJSON_IsNull(value)) {
		cJSON_DeleteItemFromObjectCaseSensitive(target, value->string);
		return RC_OK;
	}
	if (!cJSON_IsObject(value) || !cJSON_IsObject(there))
		rc = place(target, value, &there, err);
	cJSON_ArrayForEach (member, json_members(value))
		if (!rc)
			rc = apply(there, member, err);
	return rc;
}

enum rc merge_patch_member(cJSON *target, const cJSON *patch, const char *name, struct error *err)
{
	const cJSON *member = json_get(patch, name);

	return member ? apply(target, member, err) : RC_OK;
}
