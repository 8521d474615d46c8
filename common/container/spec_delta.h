/*
 * What leads from one spec to another: the members that differ, with their values. Small where a whole spec would not
 * fit into an annotation. Pure.
 */
#ifndef COMMON_CONTAINER_SPEC_DELTA_H
#define COMMON_CONTAINER_SPEC_DELTA_H

#include "common/services/json_write.h"

/*
 * Write it as a member `key`: an array of {"at": [names], "is": value}, without "is" for what is not there. Objects are
 * compared member by member, other values as a whole.
 */
void spec_delta_write(struct json_writer *w, const char *key, const cJSON *from, const cJSON *to);

/*
 * Make of `spec` what it leads to. Errors: RC_INVALID_ARGUMENT no such delta; RC_NO_MEMORY. `spec` is then of no use.
 */
enum rc spec_delta_apply(const cJSON *delta, cJSON *spec, struct error *err) must_check;

#endif
