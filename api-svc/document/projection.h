/*
 * What of a request counts: the part of a value that its schema names.
 */
#ifndef API_SVC_DOCUMENT_PROJECTION_H
#define API_SVC_DOCUMENT_PROJECTION_H

#include "api-svc/document/schema.h"
#include "common/services/json_write.h"

/*
 * Write the members of an object without what is ignored in requests: properties that the schema does not name (unless
 * it says `additionalProperties`, or names none at all), `readOnly` properties, and nulls where the schema allows null,
 * since there null means the same as nothing. The same inside of the members.
 *
 * object  has passed validator_check(). Failure is the buffer's (buf_check).
 */
void projection_write(const struct schema *schema, const cJSON *object, struct json_writer *w);

#endif
