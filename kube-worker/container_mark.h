/*
 * Marks on a container's Deployment that change after its creation: its debt when there is no record of it, and what is
 * wrong with it. Merge patches with the uid as precondition.
 */
#ifndef KUBE_WORKER_CONTAINER_MARK_H
#define KUBE_WORKER_CONTAINER_MARK_H

#include "kube-worker/op.h"

/* The annotation of that name; NULL: there is none. Belongs to the object. */
const char *container_annotation(const cJSON *deployment, const char *name);

/* The creation token; NULL: it has none. */
const char *container_token(const cJSON *deployment);

/* Whom the Deployment is owed to (ANNOTATION_OWED); NULL: it is settled, or its debt is a record. */
const char *container_owed_to(const cJSON *deployment);

/* Owe the Deployment to another call. Errors: as op_kube_patch(). */
enum rc container_mark_owed(struct op_call *call, const cJSON *deployment, const char *caller, struct error *err)
	must_check;

/*
 * Take the debt away, or set (NULL: take away) the problem of the Deployment of that name, if it still has the uid.
 * RC_OK also when it is gone or another one. Errors: as op_kube_patch().
 */
enum rc container_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err) must_check;
enum rc container_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			       struct error *err) must_check;

#endif
