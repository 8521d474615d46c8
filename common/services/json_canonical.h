/*
 * JSON in one form for each value: the members of objects stand in the order of their names, whatever order they came
 * in.
 */
#ifndef COMMON_SERVICES_JSON_CANONICAL_H
#define COMMON_SERVICES_JSON_CANONICAL_H

#include "common/services/json_write.h"

/* As json_tree(), in that order. Errors: RC_NO_MEMORY; the buffer's own are found by buf_check(). */
enum rc json_canonical_write(struct json_writer *w, const char *key, const cJSON *value, struct error *err) must_check;

#endif
