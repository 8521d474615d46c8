/*
 * Preconditions of a request (If-Match; `if_match` in common/protocol.h).
 */
#ifndef KUBE_WORKER_CONTAINER_PRECONDITION_H
#define KUBE_WORKER_CONTAINER_PRECONDITION_H

#include "kube-worker/container/root.h"
#include "kube-worker/operation/request_check.h"

/* The member, for the tables of operations. */
#define PRECONDITION_MEMBER                                                                              \
	{                                                                                                \
		.name = "if_match", .type = precondition_is_member, .form = "\"*\" or an array of texts" \
	}
bool precondition_is_member(const struct request_member *member, const cJSON *value);

/* Whether the request has one. Then the container must exist. */
bool precondition_is_given(const cJSON *request);

/*
 * Check it, before the permission (permission.h). Later writes must use the root's resourceVersion as precondition, and
 * after RC_CONFLICT everything must be read again.
 *
 * root  of the container, as read.
 * Errors: RC_PRECONDITION; as container_gather().
 */
enum rc precondition_check(struct op_call *call, const cJSON *request, const struct root *root, struct error *err)
	must_check;

#endif
