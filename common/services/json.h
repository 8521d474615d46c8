/*
 * JSON input: strict parsing, and lookup in the tree. The only place that includes cJSON.
 * (JSON output: json_write.h.)
 *
 * Strings that a getter returns belong to the tree and are freed with it.
 */
#ifndef COMMON_SERVICES_JSON_H
#define COMMON_SERVICES_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define JSON_DEPTH_MAX 64                     /* levels of nesting */
#define JSON_MEMBERS_MAX 1000                 /* of an object: cJSON finds a member by looking at each */
#define JSON_EXACT_INT_MAX 9007199254740992.0 /* 2^53: above it a double skips integers */

/*
 * Parse a text from a client: exactly one RFC 8259 value in well-formed UTF-8, no U+0000, at most JSON_DEPTH_MAX
 * levels, at most JSON_MEMBERS_MAX members in an object, no duplicate keys. (Numbers that a double cannot represent:
 * api-svc/document/exact_numbers.h.) Never recurses deeper than JSON_DEPTH_MAX.
 *
 * ret_tree  owned by the caller (cJSON_Delete, cleanup_json).
 * Errors: RC_INVALID_ARGUMENT with the error and its byte offset; RC_NO_MEMORY.
 */
enum rc json_parse_strict(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/*
 * Check the objects of a value of at most JSON_DEPTH_MAX levels, as json_parse_strict() does.
 * Errors: RC_INVALID_ARGUMENT too many members or duplicate keys; RC_NO_MEMORY.
 */
enum rc json_check_objects(const cJSON *value, struct error *err) must_check;

/*
 * Parse a text from a trusted server (Kubernetes, our own processes): the same, but objects are not checked, which
 * saves a pass over the tree.
 */
enum rc json_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/* The member with that name (case-sensitive); NULL if obj is NULL, not an object, or has no such member. */
cJSON *json_get(const cJSON *obj, const char *key);

/*
 * Follow a dotted path of members ("status.conditions"); NULL if one is missing. For keys without dots.
 */
cJSON *json_at(const cJSON *obj, const char *path);

/* The value if it is an object, else NULL: for iteration over named members. */
const cJSON *json_members(const cJSON *value);

/* The string at the path; NULL if it is missing or not a string. */
const char *json_string_at(const cJSON *obj, const char *path);

/* The integer at the path; `otherwise` if it is missing, not a number, has a fraction or exceeds 2^53. */
int64_t json_int_at(const cJSON *obj, const char *path, int64_t otherwise);

/* Whether the value at the path is `true`. */
bool json_true_at(const cJSON *obj, const char *path);

/* A member of an object, and its position. */
struct json_member {
	cJSON *node;
	size_t place;
};

/*
 * The members of an object sorted by name, stable, in O(n log n).
 *
 * ret_members  owned by the caller (free()).
 * Errors: RC_NO_MEMORY.
 */
enum rc json_sort_members(const cJSON *object, struct json_member **ret_members, size_t *ret_count, struct error *err)
	must_check;

/* Whether the value is a whole number that a double represents exactly (|v| <= 2^53). ret_value may be NULL. */
bool json_is_int(const cJSON *value, int64_t *ret_value);

/* For `cleanup_json cJSON *tree = NULL;` */
void cleanup_json_at(cJSON **tree);
#define cleanup_json cleanup_with(cleanup_json_at)

#endif
