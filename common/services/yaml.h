/*
 * YAML in: a text becomes the same kind of tree as JSON does. The only user of yaml.h (libyaml).
 *
 * It reads as Kubernetes' programs do: plain null, booleans (yes, no, on and off among them, as in YAML 1.1), integers
 * and floats get their type, everything else and everything in quotes is a string. Keys are always strings (`200:` is
 * the key "200"); of a duplicate key in a mapping the last value counts. An integer that a double cannot hold exactly
 * stays a string, so that nothing is silently changed.
 */
#ifndef COMMON_SERVICES_YAML_H
#define COMMON_SERVICES_YAML_H

#include <stddef.h>

#include "common/base/error.h"
#include "common/services/json.h"

#define YAML_TEXT_MAX (4u * 1024 * 1024) /* bytes that we read from anybody */
#define YAML_DEPTH_MAX JSON_DEPTH_MAX    /* levels of nesting, with all aliases in their places */
#define YAML_ANCHORS_MAX 256             /* in one text */
#define YAML_COPIES_MAX 100000           /* values that aliases add to a text: a few lines can name billions */

/*
 * Parse the first document of a text; an empty one is null. What follows it is not looked at.
 *
 * Aliases become copies, and `<<` merges mappings into the one that contains it. Tags decide between string and typed
 * scalar (!!str, !!int, ...); others than YAML's own have no meaning.
 * Rejected: !!binary and the like, keys that are no scalars, U+0000, infinities and NaN, its own alias inside anchor,
 * and whatever goes beyond the limits above.
 *
 * ret_tree  owned by the caller (cJSON_Delete, cleanup_json).
 * Errors: RC_INVALID_ARGUMENT with the line and what is wrong there; RC_TOO_LARGE; RC_NO_MEMORY.
 * Source: YAML 1.2.2 section 10.3; sigs.k8s.io/yaml and what kubectl was seen to take
 * (tests/end-to-end/kubeconfigs.py).
 */
enum rc yaml_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

#endif
