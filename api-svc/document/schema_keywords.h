/*
 * The table of schema keywords. Private to schema.c.
 */
#ifndef API_SVC_DOCUMENT_SCHEMA_KEYWORDS_H
#define API_SVC_DOCUMENT_SCHEMA_KEYWORDS_H

#include "api-svc/document/schema.h"

/*
 * Read one keyword, a member of the schema's node, into the schema; schemas inside it are compiled into the set.
 * Errors: RC_INVALID_ARGUMENT for an unknown or malformed keyword; those of schema_compile().
 */
enum rc schema_keyword_read(struct schema_set *set, struct schema *schema, const cJSON *value, struct error *err)
	must_check;

#endif
