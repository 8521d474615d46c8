/*
 * YAML input: parses a text into the same kind of tree as JSON. The only user of yaml.h (libyaml).
 *
 * It parses as Kubernetes programs do: plain null, booleans (including yes, no, on and off, as in YAML 1.1), integers
 * and floats get their type, everything else and everything quoted is a string. Keys are always strings (`200:` is the
 * key "200"); the last value of a duplicate key wins. An integer that a double cannot represent exactly stays a string,
 * so that it is not silently changed.
 */
#ifndef COMMON_SERVICES_YAML_H
#define COMMON_SERVICES_YAML_H

#include <stddef.h>

#include "common/base/error.h"
#include "common/services/json.h"

#define YAML_TEXT_MAX (4u * 1024 * 1024) /* bytes of a text */
#define YAML_DEPTH_MAX JSON_DEPTH_MAX    /* levels of nesting, with aliases expanded */
#define YAML_ANCHORS_MAX 256             /* per text */
#define YAML_COPIES_MAX 100000           /* values added by aliases, against exponential expansion */

/*
 * Parse the first document of a text; an empty one is null. Further documents are ignored.
 *
 * Aliases become copies, and `<<` merges mappings into the one that contains it. Standard tags select string or typed
 * scalar (!!str, !!int, ...); other tags are ignored.
 * Rejected: !!binary and the like, non-scalar keys, U+0000, infinities and NaN, an alias inside its own anchor, and
 * texts above the limits.
 *
 * ret_tree  owned by the caller (cJSON_Delete, cleanup_json).
 * Errors: RC_INVALID_ARGUMENT with line and error; RC_TOO_LARGE; RC_NO_MEMORY.
 * Source: YAML 1.2.2 section 10.3; sigs.k8s.io/yaml and the observed behaviour of kubectl
 * (tests/end-to-end/kubeconfigs.py).
 */
enum rc yaml_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

#endif
