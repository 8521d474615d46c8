/*
 * The uid of a Kubernetes object, which distinguishes it from others with the same name. Pure.
 */
#ifndef COMMON_KUBE_KUBE_UID_H
#define COMMON_KUBE_KUBE_UID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/services/json.h"

#define KUBE_UID_TEXT_MAX 37 /* bytes of a uid with its NUL */

/* Kubernetes' uids are UUIDs (apimachinery pkg/util/uuid); stored as bytes. All zero: none. */
struct kube_uid {
	uint8_t bytes[16];
};

bool kube_uid_equal(const struct kube_uid *a, const struct kube_uid *b);

/* Whether it is not all zero. */
bool kube_uid_is_set(const struct kube_uid *uid);

/* The uid in a text such as metadata.uid; all zero if it is NULL or not a UUID. */
struct kube_uid kube_uid_parse(const char *text);

void kube_uid_format(const struct kube_uid *uid, char out[KUBE_UID_TEXT_MAX]);

/* The uid of an object's controller, or of its first owner if it has no controller; all zero: none. */
struct kube_uid kube_uid_of_owner(const cJSON *object);

#endif
