/*
 * The labels and annotations of our Kubernetes objects, and the validation of labels.
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
 * Annotations of our roots. From ANNOTATION_OWED on optional: the debt of the create is not a record (protocol.h,
 * SETTLING), a problem that is not visible in the objects, the container was stopped or updated, or an update of
 * several objects is incomplete, or was rolled back.
 */
#define ANNOTATION_SPEC "dcm.project/spec"            /* the part of the spec that Kubernetes does not store: JSON */
#define ANNOTATION_TOKEN "dcm.project/creation-token" /* the creation token (protocol.h, token) */
#define ANNOTATION_ATTEMPT "dcm.project/creation-attempt" /* the attempt of that request: its reply subject */
#define ANNOTATION_DIGEST "dcm.project/request-digest"    /* of the spec, if created with an Idempotency-Key */
#define ANNOTATION_OWED "dcm.project/owed"                /* the reply subject of the unsettled call, or "" */
#define ANNOTATION_PROBLEM "dcm.project/problem"          /* the error that prevented its completion */
#define ANNOTATION_STOPPED "dcm.project/stopped"          /* the replicas before :stop */
#define ANNOTATION_CHANGE "dcm.project/last-change"       /* the token of the last update */
#define ANNOTATION_REFUSED "dcm.project/refused-changes"  /* tokens of rolled back updates, newest first */
#define ANNOTATION_CHANGING "dcm.project/changing"        /* an incomplete update: its caller and the previous state */
#define ANNOTATION_REVISIONS "dcm.project/revisions"      /* data that its revisions do not update: JSON */

/* On the template of a root: the time of the restart, a space, and the token of that request. */
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
 * The reason why Kubernetes would reject this label key or value; NULL: valid.
 * Source: apimachinery pkg/util/validation (IsQualifiedName, IsValidLabelValue).
 */
const char *label_key_fault(const char *key);
const char *label_value_fault(const char *value);

#endif
