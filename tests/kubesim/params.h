/*
 * Query parameters that several verbs share. A function that returns false has filled the response.
 */
#ifndef KUBESIM_PARAMS_H
#define KUBESIM_PARAMS_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/selector.h"

/* A whole number of at least 0; *ret_value is untouched when it is not there. */
bool sim_param_int(const struct sim_request *rq, struct sim_response *rs, const char *key, int64_t *ret_value);

/* labelSelector and fieldSelector; NULL when there are none. */
bool sim_param_selector(const struct sim_request *rq, struct sim_response *rs, struct sim_selector **ret_selector);

#endif
