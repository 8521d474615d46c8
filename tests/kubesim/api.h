/*
 * The API: from a request to the function that handles it.
 */
#ifndef KUBESIM_API_H
#define KUBESIM_API_H

#include "tests/kubesim/http.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/sim.h"

#define SIM_NAME_MAX 254 /* maximum length of a name, with the NUL */

/* A request, parsed from path and method. */
struct sim_target {
	const struct sim_kind *kind;
	const char *verb;               /* "get", "list", "watch", "create", "update", "patch" or "delete" */
	char ns[SIM_NAME_MAX];          /* "": all namespaces, or a cluster-scoped kind */
	char name[SIM_NAME_MAX];        /* "": the collection */
	char subresource[SIM_NAME_MAX]; /* "", "status" or "scale" */
	char resource[96];              /* "deployments" or "deployments/scale", for counters and messages */
};

/* Answer one request. For sim_http_settings.handle; ctx is struct sim. Runs on the connection's thread; may block. */
void sim_api_handle(void *ctx, struct sim_request *request, struct sim_response *response);

/* The verbs. Each fills the response. */
void sim_read_one(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_read_list(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_watch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_create(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_update(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_patch(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_pod_log(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);
void sim_delete(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);

#endif
