/*
 * The labels and annotations that make a Kubernetes object ours, and what Kubernetes accepts as a label.
 */
#ifndef COMMON_CONTAINER_LABELS_H
#define COMMON_CONTAINER_LABELS_H

#include <stdbool.h>

#include "common/resource.h"
#include "common/services/json.h"

#define LABEL_MANAGED_BY "dcm.project/managed-by"
#define LABEL_MANAGED_BY_VALUE "dcm"
#define LABEL_INSTANCE_ID "dcm.project/dcm-instance-id"
#define LABEL_SERVICE_TYPE "dcm.project/dcm-service-type"

/*
 * On our roots. From ANNOTATION_OWED on only when there is something to say: the debt of the create was never in a
 * record (protocol.h, SETTLING), something is wrong with the container that its objects do not tell, it was stopped,
 * changed, or a change of several objects is not complete, or was put back.
 */
#define ANNOTATION_SPEC "dcm.project/spec"                /* what the client wrote and Kubernetes does not keep: JSON */
#define ANNOTATION_TOKEN "dcm.project/creation-token"     /* who made it (protocol.h, token) */
#define ANNOTATION_ATTEMPT "dcm.project/creation-attempt" /* which attempt of that request: its reply subject */
#define ANNOTATION_DIGEST "dcm.project/request-digest"    /* of the spec, when it was made by an Idempotency-Key */
#define ANNOTATION_OWED "dcm.project/owed"          /* the reply subject of the call that has not settled it, or "" */
#define ANNOTATION_PROBLEM "dcm.project/problem"    /* why it could not be completed */
#define ANNOTATION_STOPPED "dcm.project/stopped"    /* the replicas that it had before :stop */
#define ANNOTATION_CHANGE "dcm.project/last-change" /* the token of the request that has changed it last */
#define ANNOTATION_REFUSED "dcm.project/refused-changes" /* tokens of those that were put back, the newest first */
#define ANNOTATION_CHANGING "dcm.project/changing"       /* a change that is not complete: whose, and what was before */
#define ANNOTATION_REVISIONS "dcm.project/revisions"     /* what its revisions do not keep up to date: JSON */

/* On the template of a root: when it was restarted, a space, and the token of that request. */
#define ANNOTATION_RESTARTED "dcm.project/restarted"

/* Selects all objects of all resources of a type. */
const char *labels_selector(enum resource_type type);

/* Whether the key is one of the three reserved labels. */
bool label_is_reserved(const char *key);

/* Whether an object has all three, as a container with that id. */
bool labels_are_of(const cJSON *object, const char *id);

/* The same, and it is not being deleted. */
bool labels_are_live(const cJSON *object, const char *id);

/*
 * Why Kubernetes would reject this label key or value, as a sentence; NULL: it is valid.
 * Source: apimachinery pkg/util/validation (IsQualifiedName, IsValidLabelValue).
 */
const char *label_key_fault(const char *key);
const char *label_value_fault(const char *value);

#endif
