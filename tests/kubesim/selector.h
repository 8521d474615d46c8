/*
 * Label and field selectors: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Source: apimachinery pkg/labels/selector.go.
 */
#ifndef KUBESIM_SELECTOR_H
#define KUBESIM_SELECTOR_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/object.h"

struct sim_selector;

/*
 * The labelSelector and fieldSelector of a request. Any field that is a string can be selected by.
 *
 * ret_selector  given to the caller; NULL when nothing is selected by.
 * Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY.
 */
enum rc sim_selector_of(const struct sim_request *request, struct sim_selector **ret_selector, struct error *err)
	must_check;
void sim_selector_destroy(struct sim_selector *selector);

/* Does the object match? NULL matches everything. */
bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object);

#endif
