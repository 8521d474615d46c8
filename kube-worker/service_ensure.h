/*
 * The second half of a create: the Service that a Deployment asks for.
 */
#ifndef KUBE_WORKER_SERVICE_ENSURE_H
#define KUBE_WORKER_SERVICE_ENSURE_H

#include "kube-worker/op.h"

/*
 * Make sure that the Deployment's Service exists, and get it.
 *
 * spec         the container's spec, or the skeleton of it (its ports and labels are used).
 * deployment   the Deployment; it becomes the Service's owner.
 * ret_service  the Service object; given to the caller (cJSON_Delete).
 *
 * A Service of the name that belongs to a predecessor of this id is replaced.
 * Errors: RC_ALREADY_EXISTS a Service of the name that is not ours, which is not touched; else as op_kube_create().
 */
enum rc service_ensure(struct op_call *call, const char *id, const cJSON *spec, const cJSON *deployment,
		       cJSON **ret_service, struct error *err) must_check;

#endif
