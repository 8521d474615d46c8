#include "tests/kubesim/patch.h"

#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

/* Lists that a strategic patch merges, and the member that tells their elements apart. Source: patchMergeKey in the
 * API. */
static const struct {
	const char *list;
	const char *key;
} merge_keys[] = {
	{ "containers", "name" },
	{ "env", "name" },
	{ "ports", "containerPort" },
	{ "ports", "port" },
};

static void merge(cJSON *target, const cJSON *patch, bool strategic);

/* The merge key of a list, if its elements carry it; NULL: the list is replaced whole. */
static const char *merge_key_of(const cJSON *list)
{
	for (size_t i = 0; i < ARRAY_LEN(merge_keys); i++)
		if (cJSON_IsArray(list) && str_equal(merge_keys[i].list, list->string) &&
		    json_get(list->child, merge_keys[i].key))
			return merge_keys[i].key;
	return NULL;
}

/* The place of the element with the same key; -1: there is none. */
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
 * Elements of the patch come in the patch's order, each before those that stood behind it; new ones before all that the
 * patch does not name. Source: apimachinery pkg/util/strategicpatch (mergeSortedSlice); seen on v1.36.
 */
static void merge_list(cJSON *target, const cJSON *patch, const char *key)
{
	cJSON *old = sim_tree_copy(target);
	const cJSON *change = patch->child;
	const cJSON *element = old->child;

	while (target->child)
		cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	while (change || element) {
		int changed = change ? place_of(old, change, key) : -1;

		if (element && place_of(patch, element, key) >= 0) { /* comes with its change */
			element = element->next;
		} else if (change && (!element || changed < place_of(old, element, key))) {
			cJSON *merged = sim_tree_append_object(target);

			if (changed >= 0)
				merge(merged, cJSON_GetArrayItem(old, changed), false);
			merge(merged, change, true);
			change = change->next;
		} else {
			merge(sim_tree_append_object(target), element, false);
			element = element->next;
		}
	}
	cJSON_Delete(old);
}

static void merge(cJSON *target, const cJSON *patch, bool strategic)
{
	const cJSON *member = NULL;

	cJSON_ArrayForEach (member, patch) {
		const char *key = strategic ? merge_key_of(member) : NULL;

		if (strategic && member->string[0] == '$')
			continue; /* an order that lists have here anyway */
		if (cJSON_IsNull(member))
			sim_tree_drop(target, member->string);
		else if (cJSON_IsObject(member))
			merge(sim_tree_child(target, member->string), member, strategic);
		else if (key)
			merge_list(sim_tree_child_array(target, member->string), member, key);
		else
			sim_tree_set(target, member->string, sim_tree_copy(member));
	}
}

static void merge_plain(cJSON *target, const cJSON *patch)
{
	merge(target, patch, false);
}

static void merge_strategic(cJSON *target, const cJSON *patch)
{
	merge(target, patch, true);
}

sim_patch_function sim_patch_find(const char *content_type)
{
	if (str_has_prefix(content_type, "application/merge-patch+json"))
		return merge_plain;
	if (str_has_prefix(content_type, "application/strategic-merge-patch+json"))
		return merge_strategic;
	return NULL;
}
