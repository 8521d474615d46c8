/*
 * Helpers to modify JSON trees. Out of memory: the member is missing.
 */
#ifndef KUBESIM_TREE_H
#define KUBESIM_TREE_H

#include "common/services/json.h"

/* Set a member, replacing an existing one. set_tree takes over `value`; its result is the member. */
void sim_tree_set_string(cJSON *object, const char *key, const char *value);
void sim_tree_set_int(cJSON *object, const char *key, int64_t value);
void sim_tree_set_bool(cJSON *object, const char *key, bool value);
cJSON *sim_tree_set(cJSON *object, const char *key, cJSON *value);
void sim_tree_drop(cJSON *object, const char *key);

/* A number that is omitted if 0. */
void sim_tree_set_count(cJSON *object, const char *key, int64_t count);

/* Set a member if it is missing, or an empty text. */
void sim_tree_default_string(cJSON *object, const char *key, const char *value);

/* Set a number if it is missing. */
void sim_tree_default_int(cJSON *object, const char *key, int64_t value);

/* The member, created as an empty object or array if missing. NULL if object is NULL. */
cJSON *sim_tree_child(cJSON *object, const char *key);
cJSON *sim_tree_child_array(cJSON *object, const char *key);

/* A deep copy; NULL for NULL. */
cJSON *sim_tree_copy(const cJSON *value);

/* Append an empty object to an array. */
cJSON *sim_tree_append_object(cJSON *array);

/* The element of an array of objects whose member `key` is `value`; NULL: none. */
cJSON *sim_tree_find(const cJSON *array, const char *key, const char *value);

/* Sort members by key. */
void sim_tree_sort(cJSON *object);

/* Whether an object in the tree has a duplicate member. */
bool sim_tree_repeats(const cJSON *value);

/* Remove members that are null, recursively. */
void sim_tree_drop_nulls(cJSON *value);

/* "2006-01-02T15:04:05Z" of now as a member. */
void sim_tree_set_now(cJSON *object, const char *key);

#endif
