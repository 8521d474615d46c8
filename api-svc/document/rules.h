/*
 * What a container's spec must obey beyond its schema: rules between two fields, and those that OpenAPI 3.0 has no
 * words for. One table; the API document names the same rules in words.
 */
#ifndef API_SVC_DOCUMENT_RULES_H
#define API_SVC_DOCUMENT_RULES_H

#include "api-svc/document/faults.h"
#include "common/services/json.h"

/*
 * Add to `faults` what is wrong with the spec. Fields that are missing or of the wrong type are the validator's
 * business; every rule looks only at what it understands.
 *
 * pointer  where the spec stands: "/spec", or "" for a bare one.
 */
void rules_check(const cJSON *spec, const char *pointer, struct faults *faults);

#endif
