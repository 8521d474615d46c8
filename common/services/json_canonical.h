/*
 * Canonical JSON: the members of objects are sorted by name.
 */
#ifndef COMMON_SERVICES_JSON_CANONICAL_H
#define COMMON_SERVICES_JSON_CANONICAL_H

#include "common/services/json_write.h"

/* As json_tree(), sorted. Errors: RC_NO_MEMORY; check the buffer with buf_check(). */
enum rc json_canonical_write(struct json_writer *w, const char *key, const cJSON *value, struct error *err) must_check;

#endif
