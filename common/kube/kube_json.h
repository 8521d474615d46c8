/*
 * The text of a Kubernetes object becomes a tree.
 */
#ifndef COMMON_KUBE_KUBE_JSON_H
#define COMMON_KUBE_KUBE_JSON_H

#include "common/services/json.h"

/*
 * Parse one object, without metadata.managedFields: the server's own notes of who has written which field
 * (Server-Side Apply) are about half of an object, and are not used here.
 *
 * text      JSON; is written to.
 * ret_tree  owned by the caller.
 * Errors: as json_parse().
 */
enum rc kube_json_parse(char *text, size_t len, cJSON **ret_tree, struct error *err) must_check;

/* The seconds that a Status asks us to wait, as far as they are granted (retry_after.h); 0: it does not ask. */
int kube_json_retry_after_s(const cJSON *status);

#endif
