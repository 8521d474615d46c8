/*
 * Validates a value against a schema, and reports all errors.
 */
#ifndef API_SVC_DOCUMENT_VALIDATOR_H
#define API_SVC_DOCUMENT_VALIDATOR_H

#include "api-svc/document/faults.h"
#include "api-svc/document/schema.h"

/*
 * Add the errors of a client's value to `faults`: `readOnly` properties are ignored.
 *
 * pointer  location of the value, the prefix of all pointers ("" for a body).
 * Recursion depth is bounded by the nesting of value and schema.
 * Threads: any; schemas are immutable.
 */
void validator_check(const struct schema *schema, const cJSON *value, const char *pointer, struct faults *faults);

#endif
