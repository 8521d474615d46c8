/*
 * The labels and annotations that make a Kubernetes object ours, and what Kubernetes accepts as a label.
 */
#ifndef COMMON_KUBE_LABELS_H
#define COMMON_KUBE_LABELS_H

#include <stdbool.h>

#define LABEL_MANAGED_BY "dcm.project/managed-by"
#define LABEL_MANAGED_BY_VALUE "dcm"
#define LABEL_INSTANCE_ID "dcm.project/dcm-instance-id"
#define LABEL_SERVICE_TYPE "dcm.project/dcm-service-type"
#define LABEL_SERVICE_TYPE_VALUE "container"

/* Selects all objects of all containers. */
#define LABEL_SELECTOR LABEL_MANAGED_BY "=" LABEL_MANAGED_BY_VALUE "," LABEL_SERVICE_TYPE "=" LABEL_SERVICE_TYPE_VALUE

/* On our Deployments: what the client wrote and Kubernetes does not keep (JSON), and who made it (protocol.h, token).
 */
#define ANNOTATION_SPEC "dcm.project/spec"
#define ANNOTATION_TOKEN "dcm.project/creation-token"

/* Is the key one of the three labels that belong to us? */
bool label_is_reserved(const char *key);

/*
 * Why Kubernetes would refuse this label key or value, as a sentence; NULL: it is valid.
 * Source: apimachinery pkg/util/validation (IsQualifiedName, IsValidLabelValue).
 */
const char *label_key_fault(const char *key);
const char *label_value_fault(const char *value);

#endif
