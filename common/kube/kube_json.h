/*
 * Parses the text of a Kubernetes object.
 */
#ifndef COMMON_KUBE_KUBE_JSON_H
#define COMMON_KUBE_KUBE_JSON_H

#include "common/services/json.h"

/*
 * Parse one object, without metadata.managedFields: they are about half of an object, and are not used here.
 *
 * text      JSON; modified in place.
 * ret_tree  owned by the caller.
 * Errors: as json_parse().
 */
enum rc kube_json_parse(char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/* The retry delay of a Status in seconds, limited (retry_after.h); 0: none. */
int kube_json_retry_after_s(const cJSON *status);

#endif
