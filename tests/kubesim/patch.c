#include "tests/kubesim/patch.h"

#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

/* Lists that a strategic patch merges, and their merge keys. Source: patchMergeKey in the
 * API. */
static const struct {
	const char *list;
	const char *key;
} merge_keys[] = {
	{ "containers", "name" },     { "env", "name" },        { "ports", "containerPort" },
	{ "ports", "port" },          { "conditions", "type" }, { "ownerReferences", "uid" },
	{ "initContainers", "name" },
};

static bool merge(cJSON *target, const cJSON *patch, bool strategic);

/* The merge key of a list, if all its elements carry it; NULL: the list is replaced. */
static const char *merge_key_of(const cJSON *list)
{
	for (size_t i = 0; i < ARRAY_LEN(merge_keys); i++)
		if (cJSON_IsArray(list) && str_equal(merge_keys[i].list, list->string) &&
		    json_get(list->child, merge_keys[i].key))
			return merge_keys[i].key;
	return NULL;
}

/*
 * Whether it requires more than the implemented merge: a directive ("$patch"), except for the order of lists; an
 * element without the merge key of its list; a merged list of strings.
 */
static bool is_directive(const cJSON *member)
{
	const char *key = merge_key_of(member);
	const cJSON *element = NULL;

	if (member->string[0] == '$')
		return !str_has_prefix(member->string, "$setElementOrder/");
	if (str_equal(member->string, "finalizers"))
		return cJSON_IsArray(member);
	for (size_t i = 0; i < ARRAY_LEN(merge_keys); i++)
		if (cJSON_IsArray(member) && member->child && !key && str_equal(merge_keys[i].list, member->string))
			return true;
	cJSON_ArrayForEach (element, member)
		if (key && !json_get(element, key))
			return true;
	return false;
}

/* The index of the element with the same key; -1: none. */
static int place_of(const cJSON *list, const cJSON *like, const char *key)
{
	const cJSON *element = NULL;
	int place = 0;

	cJSON_ArrayForEach (element, list) {
		if (cJSON_Compare(json_get(element, key), json_get(like, key), true))
			return place;
		place++;
	}
	return -1;
}

/*
 * Elements of the patch are placed in the order of the patch, each before those that followed it; new ones before all
 * elements that are not in the patch. Source: apimachinery pkg/util/strategicpatch (mergeSortedSlice); seen on v1.36.
 */
static bool merge_list(cJSON *target, const cJSON *patch, const char *key)
{
	cJSON *old = sim_tree_copy(target);
	const cJSON *change = patch->child;
	const cJSON *element = old->child;
	bool known = true;

	while (target->child)
		cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	while (change || element) {
		int changed = change ? place_of(old, change, key) : -1;

		if (element && place_of(patch, element, key) >= 0) { /* placed with its change */
			element = element->next;
		} else if (change && (!element || changed < place_of(old, element, key))) {
			cJSON *merged = sim_tree_append_object(target);

			if (changed >= 0)
				(void)merge(merged, cJSON_GetArrayItem(old, changed), false);
			known = merge(merged, change, true) && known;
			change = change->next;
		} else {
			(void)merge(sim_tree_append_object(target), element, false);
			element = element->next;
		}
	}
	cJSON_Delete(old);
	return known;
}

/* False: unsupported directive. */
static bool merge(cJSON *target, const cJSON *patch, bool strategic)
{
	const cJSON *member = NULL;
	bool known = true;

	cJSON_ArrayForEach (member, patch) {
		const char *key = strategic ? merge_key_of(member) : NULL;

		if (strategic && is_directive(member))
			known = false;
		if (strategic && member->string[0] == '$')
			continue;
		if (cJSON_IsNull(member))
			sim_tree_drop(target, member->string);
		else if (cJSON_IsObject(member))
			known = merge(sim_tree_child(target, member->string), member, strategic) && known;
		else if (key)
			known = merge_list(sim_tree_child_array(target, member->string), member, key) && known;
		else
			sim_tree_set(target, member->string, sim_tree_copy(member));
	}
	return known;
}

bool sim_patch_merge(cJSON *target, const cJSON *patch)
{
	return merge(target, patch, false);
}

bool sim_patch_strategic(cJSON *target, const cJSON *patch)
{
	return merge(target, patch, true);
}
