/*
 * Validates a value against a schema. Says everything that is wrong, not only the first thing.
 */
#ifndef API_SVC_DOCUMENT_VALIDATOR_H
#define API_SVC_DOCUMENT_VALIDATOR_H

#include "api-svc/document/faults.h"
#include "api-svc/document/schema.h"

/*
 * Add to `faults` what is wrong with the value, which a client has written: `readOnly` properties do not count.
 *
 * pointer  where the value stands, the prefix of all pointers ("" for a body).
 * Recursion is as deep as the value and the schema's own nesting, both of which are bounded.
 * Threads: any; a schema is never changed.
 */
void validator_check(const struct schema *schema, const cJSON *value, const char *pointer, struct faults *faults);

#endif
