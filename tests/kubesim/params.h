/*
 * Query parameters that several verbs share. Each function answers the request itself when it returns false.
 */
#ifndef KUBESIM_PARAMS_H
#define KUBESIM_PARAMS_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/sim.h"

/* A whole number; *ret_value (may be NULL) stays when the parameter is missing. */
bool sim_param_int(const struct sim_request *rq, struct sim_response *rs, const char *key, int64_t *ret_value);

/* resourceVersion; 0 when it is missing or "0". */
bool sim_param_version(const struct sim_request *rq, struct sim_response *rs, uint64_t *ret_version);

/* resourceVersionMatch and sendInitialEvents, against each other and against resourceVersion. */
bool sim_params_check_match(const struct sim_request *rq, struct sim_response *rs, bool watch);

/* labelSelector and fieldSelector. *ret_selector is given to the caller, may become NULL. */
bool sim_params_selector(const struct sim_request *rq, struct sim_response *rs, const struct sim_kind *kind,
			 struct sim_selector **ret_selector);

/* Wait until the store has reached the version; 504 when it does not in time. */
bool sim_params_wait_for(struct sim *sim, const struct sim_request *rq, struct sim_response *rs, uint64_t version);

/* dryRun; *ret is whether nothing is to be stored. options: the kind that the fault names, "CreateOptions". */
bool sim_param_dry_run(const struct sim_request *rq, struct sim_response *rs, const char *options, bool *ret);

#endif
