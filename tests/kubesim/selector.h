/*
 * Label and field selectors: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Source: apimachinery pkg/labels/selector.go.
 */
#ifndef KUBESIM_SELECTOR_H
#define KUBESIM_SELECTOR_H

#include "common/base/error.h"
#include "tests/kubesim/object.h"

struct sim_selector;

/*
 * Read both kinds of selectors; NULL or "" means none. Any field that is a string can be selected by.
 *
 * ret_selector  given to the caller; NULL when both are empty.
 * Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY.
 */
enum rc sim_selector_parse(const char *labels, const char *fields, struct sim_selector **ret_selector,
			   struct error *err) must_check;
void sim_selector_destroy(struct sim_selector *selector);

/* Does the object match? NULL matches everything. */
bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object);

#endif
