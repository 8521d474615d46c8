/*
 * Rules for a container's spec in addition to its schema: between two fields, or not expressible in OpenAPI 3.0. One
 * table; the API document describes the same rules in text.
 */
#ifndef API_SVC_DOCUMENT_RULES_H
#define API_SVC_DOCUMENT_RULES_H

#include "api-svc/document/faults.h"
#include "common/services/json.h"

/*
 * Add violations to `faults`. Fields that are missing or of a wrong type are reported by the validator, and ignored by
 * the rules.
 *
 * pointer  location of the spec: "/spec", or "" for a bare one.
 */
void rules_check(const cJSON *spec, const char *pointer, struct faults *faults);

#endif
