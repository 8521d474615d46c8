/*
 * YAML in: a text becomes the same kind of tree as JSON does. The only user of yaml.h (libyaml).
 *
 * Scalars follow the core schema of YAML 1.2: plain null, booleans, integers and floats get their type, everything
 * else and everything in quotes is a string. Keys are always strings (`200:` is the key "200"). An integer that a
 * double cannot hold exactly stays a string, so that nothing is silently changed.
 */
#ifndef COMMON_SERVICES_YAML_H
#define COMMON_SERVICES_YAML_H

#include <stddef.h>

#include "common/base/error.h"
#include "common/services/json.h"

#define YAML_TEXT_MAX (4u * 1024 * 1024) /* bytes that we read from anybody */
#define YAML_DEPTH_MAX JSON_DEPTH_MAX    /* levels of nesting */

/*
 * Parse a text that holds at most one document; an empty one is null.
 *
 * Refused, because what they mean is a matter of taste or they are a bomb: anchors and aliases, tags beyond !!str,
 * !!map and !!seq, a key twice in one mapping, keys that are no scalars, U+0000, infinities and NaN, a second document,
 * more than YAML_DEPTH_MAX levels, more than YAML_TEXT_MAX bytes.
 *
 * ret_tree  given to the caller (cJSON_Delete, cleanup_json).
 * Errors: RC_INVALID_ARGUMENT with the line and what is wrong there; RC_TOO_LARGE; RC_NO_MEMORY.
 * Source: YAML 1.2.2 section 10.3.
 */
enum rc yaml_parse(const char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

#endif
