/*
 * JSON in: strict parsing, and looking things up in the tree. The only place that includes cJSON.
 * (JSON out: json_write.h.)
 *
 * Strings that a getter returns belong to the tree and die with it.
 */
#ifndef COMMON_SERVICES_JSON_H
#define COMMON_SERVICES_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define JSON_DEPTH_MAX 64                     /* levels of nesting that we accept from anybody */
#define JSON_EXACT_INT_MAX 9007199254740992.0 /* 2^53: above it a double skips integers */

/*
 * Parse a text that comes from a client: exactly one RFC 8259 value in well-formed UTF-8, no U+0000, at most
 * JSON_DEPTH_MAX levels, no key twice in one object. (Numbers that a double does not hold:
 * api-svc/document/exact_numbers.h.) Never recurses deeper than JSON_DEPTH_MAX, whatever the input.
 *
 * ret_tree  owned by the caller (cJSON_Delete, cleanup_json).
 * Errors: RC_INVALID_ARGUMENT with what is wrong and at which byte; RC_NO_MEMORY.
 */
enum rc json_parse_strict(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/*
 * Parse a text that comes from a server we trust to speak JSON (Kubernetes, our own processes): the same, but keys may
 * repeat, which saves a walk over the tree.
 */
enum rc json_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/* The member of that name (case-sensitive); NULL when obj is NULL, no object, or has none. */
cJSON *json_get(const cJSON *obj, const char *key);

/*
 * Walk a dotted path of members ("status.conditions"); NULL as soon as one is missing. For keys that contain no dots.
 */
cJSON *json_at(const cJSON *obj, const char *path);

/* The value when it is an object, else NULL: for a walk over members, which only an object's have names. */
const cJSON *json_members(const cJSON *value);

/* The string at the path; NULL when it is missing or no string. */
const char *json_string_at(const cJSON *obj, const char *path);

/* The whole number at the path; `otherwise` when it is missing, no number, has a fraction or lies beyond 2^53. */
int64_t json_int_at(const cJSON *obj, const char *path, int64_t otherwise);

/* Whether there is `true` at the path. */
bool json_true_at(const cJSON *obj, const char *path);

/* A member of an object, and its place among the others. */
struct json_member {
	cJSON *node;
	size_t place;
};

/*
 * The members of an object in the order of their names, those of one name in their own order: in less than the square
 * of their number.
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
