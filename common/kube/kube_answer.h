/*
 * Converts a response of the API server: its object, or the Kubernetes error as an error code. Pure.
 */
#ifndef COMMON_KUBE_KUBE_ANSWER_H
#define COMMON_KUBE_KUBE_ANSWER_H

#include "common/kube/kube_client.h"

/*
 * Convert the body of a response, whose status is in the reply, to an object and a code.
 *
 * reply          its object is set.
 * retry_after_s  of the response header; 0: none.
 * Errors: those of kube_client_do() for a response.
 */
enum rc kube_answer_read(struct kube_reply *reply, const struct buf *body, int retry_after_s, struct error *err)
	must_check;

/*
 * Detect temporary rejections that the status does not identify: a quota, a terminating namespace, no address for a
 * Service. Returns the part of the message that may be shown to clients; NULL: none of these.
 */
const char *kube_answer_passing_text(int status, const char *message);

#endif
