/*
 * What tells an object of Kubernetes from another one of the same name. Pure.
 */
#ifndef COMMON_KUBE_KUBE_UID_H
#define COMMON_KUBE_KUBE_UID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/services/json.h"

#define KUBE_UID_TEXT_MAX 37 /* bytes of a uid with its NUL */

/* Kubernetes' uids are UUIDs (apimachinery pkg/util/uuid); as bytes they take half the room. All zero: none. */
struct kube_uid {
	uint8_t bytes[16];
};

bool kube_uid_equal(const struct kube_uid *a, const struct kube_uid *b);

/* Is there one at all? */
bool kube_uid_is_set(const struct kube_uid *uid);

/* The uid in a text such as metadata.uid; all zero when it is NULL or no UUID. */
struct kube_uid kube_uid_parse(const char *text);

void kube_uid_format(const struct kube_uid *uid, char out[KUBE_UID_TEXT_MAX]);

/* The uid of an object's controlling owner, or of the first when none controls; all zero: it has none. */
struct kube_uid kube_uid_of_owner(const cJSON *object);

#endif
