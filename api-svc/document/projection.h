/*
 * Reduces a request to the members that its schema defines.
 */
#ifndef API_SVC_DOCUMENT_PROJECTION_H
#define API_SVC_DOCUMENT_PROJECTION_H

#include "api-svc/document/schema.h"
#include "common/services/json_write.h"

/*
 * Write the members of an object without ignored ones: undefined properties (unless the schema has
 * `additionalProperties`, or no properties), `readOnly` properties, and nulls where the schema allows null, which is
 * the same as absent. Applied recursively.
 *
 * object has passed validator_check(). Check the buffer for failure (buf_check).
 */
void projection_write(const struct schema *schema, const cJSON *object, struct json_writer *w);

#endif
