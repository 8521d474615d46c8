/*
 * What an answer of the API server means: its object, or Kubernetes' error as one of ours. Pure.
 */
#ifndef COMMON_KUBE_KUBE_ANSWER_H
#define COMMON_KUBE_KUBE_ANSWER_H

#include "common/kube/kube_client.h"

/*
 * Turn the body of an answer, whose status is in the reply, into its object and a code.
 *
 * reply          its object is set.
 * retry_after_s  of the answer's header; 0: it has none.
 * Errors: those of kube_client_do() for an answer.
 */
enum rc kube_answer_read(struct kube_reply *reply, const struct buf *body, int retry_after_s, struct error *err)
	must_check;

/*
 * What Kubernetes rejects now and may allow later, though its status does not say so: a quota, a namespace that is
 * being terminated, no address for a Service. Returns the part of its message that clients may see; NULL: it is none of
 * these.
 */
const char *kube_answer_passing_text(int status, const char *message);

#endif
