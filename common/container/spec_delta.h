/*
 * The difference of two specs: the changed members with their values. Smaller than a whole spec, to fit into an
 * annotation. Pure.
 */
#ifndef COMMON_CONTAINER_SPEC_DELTA_H
#define COMMON_CONTAINER_SPEC_DELTA_H

#include "common/services/json_write.h"

/*
 * Write it as a member `key`: an array of {"at": [names], "is": value}, without "is" for removed members. Objects are
 * compared by member, other values as a whole.
 */
void spec_delta_write(struct json_writer *w, const char *key, const cJSON *from, const cJSON *to);

/*
 * Apply a delta to `spec`. Errors: RC_INVALID_ARGUMENT invalid delta; RC_NO_MEMORY. `spec` is then invalid.
 */
enum rc spec_delta_apply(const cJSON *delta, cJSON *spec, struct error *err) must_check;

#endif
