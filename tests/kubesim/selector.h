/*
 * Label and field selectors as they stand in a query string.
 */
#ifndef KUBESIM_SELECTOR_H
#define KUBESIM_SELECTOR_H

#include <stdbool.h>

#include "common/base/error.h"

struct sim_object;
struct sim_kind;
struct sim_selector;

/*
 * Parse "a=b,c in (d,e),!f" and "metadata.name=x,metadata.namespace!=y".
 *
 * labels, fields  NULL or "": everything matches.
 * ret_selector    given to the caller; NULL when nothing is selected by.
 * Errors: RC_INVALID_ARGUMENT in the API server's words.
 */
enum rc sim_selector_parse(const struct sim_kind *kind, const char *labels, const char *fields,
			   struct sim_selector **ret_selector, struct error *err) must_check;
void sim_selector_destroy(struct sim_selector *selector);

/* Does the object match? A NULL selector matches everything. */
bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object);

#endif
