/*
 * Numbers that would come back as others. A value is kept as a double and shown in the shortest text that reads back as
 * that double; what that changes is rejected, so that whatever is shown can be sent again.
 */
#ifndef API_SVC_DOCUMENT_EXACT_NUMBERS_H
#define API_SVC_DOCUMENT_EXACT_NUMBERS_H

#include "api-svc/document/faults.h"

/*
 * Add a fault for each number in the text that does not come back equal. A fraction is given the precision of a double,
 * as JSON numbers commonly are (RFC 8259 section 6); whatever a double makes a whole number of must be exactly that
 * number.
 *
 * text  valid JSON of at most JSON_DEPTH_MAX levels (json_parse_strict).
 */
void exact_numbers_check(const char *text, size_t len, struct faults *faults);

#endif
