/*
 * Label and field selectors: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Source: apimachinery pkg/labels/selector.go.
 */
#ifndef KUBESIM_SELECTOR_H
#define KUBESIM_SELECTOR_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/object.h"

/* The texts, borrowed from the request; NULL and "" select everything. */
struct sim_selector {
	const char *labels;
	const char *fields;
};

/*
 * The labelSelector and fieldSelector of a request for objects of a kind. RC_INVALID_ARGUMENT: one of them is
 * malformed, or has a field that does not support selectors; RC_UNSUPPORTED: only a real API server supports it.
 */
enum rc sim_selector_of(const struct sim_request *request, const struct sim_kind *kind,
			struct sim_selector *ret_selector, struct error *err) must_check;

/* Whether the object matches. NULL matches everything. */
bool sim_selector_matches(const struct sim_selector *selector, const struct sim_object *object);

#endif
