/*
 * Detects numbers that would be returned changed. Values are stored as doubles and written as the shortest text that
 * parses to the same double; numbers that this changes are rejected, so that output can be sent back unchanged.
 */
#ifndef API_SVC_DOCUMENT_EXACT_NUMBERS_H
#define API_SVC_DOCUMENT_EXACT_NUMBERS_H

#include "api-svc/document/faults.h"

/*
 * Add an error for each number in the text that would be returned changed. Fractions have the precision of a double, as
 * usual for JSON (RFC 8259 section 6); a number that becomes an integer as a double must be exactly that integer.
 *
 * text  valid JSON of at most JSON_DEPTH_MAX levels (json_parse_strict).
 */
void exact_numbers_check(const char *text, size_t len, struct faults *faults);

#endif
