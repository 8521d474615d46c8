/*
 * What a client makes a request depend on (If-Match; `if_match` in common/protocol.h).
 */
#ifndef KUBE_WORKER_CONTAINER_PRECONDITION_H
#define KUBE_WORKER_CONTAINER_PRECONDITION_H

#include "kube-worker/container/root.h"
#include "kube-worker/operation/request_check.h"

/* The member, for the table of an operation that looks at it. */
#define PRECONDITION_MEMBER                                                                              \
	{                                                                                                \
		.name = "if_match", .type = precondition_is_member, .form = "\"*\" or an array of texts" \
	}
bool precondition_is_member(const struct request_member *member, const cJSON *value);

/* Does the request have one? Then the container must exist. */
bool precondition_is_given(const cJSON *request);

/*
 * Does it hold? To be asked before the permission (permission.h). What is written afterwards has to depend on the
 * root's resourceVersion, and when Kubernetes refuses that (RC_CONFLICT) all is to be looked up again.
 *
 * root  of the container, as it was looked up.
 * Errors: RC_PRECONDITION; as container_gather().
 */
enum rc precondition_check(struct op_call *call, const cJSON *request, const struct root *root, struct error *err)
	must_check;

#endif
