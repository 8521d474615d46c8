/* Merge patches of clients: an array of a target and a patch, objects. Compared with the pseudocode of RFC 7396. */
#include <string.h>

#include "api-svc/document/merge_patch.h"
#include "tests/fuzz/fuzz.h"

static const cJSON *member_of(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is_merged(const cJSON *before, const cJSON *patch, const cJSON *after);

/* No member is lost, and none is invented. */
static bool are_members_merged(const cJSON *before, const cJSON *patch, const cJSON *after)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, patch)
		if (!is_merged(member_of(before, item->string), item, member_of(after, item->string)))
			return false;
	cJSON_ArrayForEach (item, before)
		if (!member_of(patch, item->string) && !cJSON_Compare(item, member_of(after, item->string), true))
			return false;
	cJSON_ArrayForEach (item, after)
		if (!member_of(patch, item->string) && !member_of(before, item->string))
			return false;
	return true;
}

/* Values, NULL: no such member. */
static bool is_merged(const cJSON *before, const cJSON *patch, const cJSON *after)
{
	if (cJSON_IsNull(patch))
		return !after;
	if (!cJSON_IsObject(patch))
		return cJSON_Compare(patch, after, true);
	return cJSON_IsObject(after) && are_members_merged(cJSON_IsObject(before) ? before : NULL, patch, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json cJSON *tree = NULL;
	cleanup_json cJSON *copy = NULL;
	cleanup_json cJSON *target = NULL;
	const cJSON *patch;
	const cJSON *item = NULL;

	if (json_parse_strict((const char *)data, size, &tree, NULL))
		return 0;
	copy = cJSON_Duplicate(tree, 1);
	if (!cJSON_Compare(tree, copy, true)) /* infinite numbers */
		return 0;
	patch = cJSON_GetArrayItem(tree, 1);
	if (!cJSON_IsObject(cJSON_GetArrayItem(tree, 0)) || !cJSON_IsObject(patch))
		return 0;
	target = cJSON_Duplicate(cJSON_GetArrayItem(tree, 0), 1);
	for (int again = 0; again < 2; again++) { /* the second time changes nothing */
		cJSON_ArrayForEach (item, patch)
			FUZZ_CHECK(merge_patch_member(target, patch, item->string, NULL) == RC_OK);
		FUZZ_CHECK(are_members_merged(cJSON_GetArrayItem(tree, 0), patch, target));
	}
	return 0;
}
