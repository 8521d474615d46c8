/*
 * The members of a kubeconfig's cluster and user, one table each: JSON tree in, struct kubeconfig out. And the checks
 * of what only makes sense together. Pure.
 */
#ifndef COMMON_KUBE_KUBECONFIG_FIELDS_H
#define COMMON_KUBE_KUBECONFIG_FIELDS_H

#include "common/kube/kubeconfig.h"
#include "common/services/json.h"

/* Where a mapping stands. */
struct kubeconfig_place {
	const char *text;   /* for messages */
	const char *folder; /* of its file, with a slash at the end; "": the working directory */
};

/*
 * Read what the mapping says into config; NULL is an empty mapping. Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY; config
 * then holds a part.
 */
enum rc kubeconfig_read_cluster(const struct kubeconfig_place *place, const cJSON *cluster, struct kubeconfig *config,
				struct error *err) must_check;
enum rc kubeconfig_read_user(const struct kubeconfig_place *place, const cJSON *user, struct kubeconfig *config,
			     struct error *err) must_check;

/*
 * Check what was read, and bring the URLs into their form. Credentials are for TLS only: for http they are taken away.
 * Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY.
 */
enum rc kubeconfig_check(struct kubeconfig *config, struct error *err) must_check;

/* "a string", "a number", ...: what a value is, for messages; never its content. */
const char *kubeconfig_kind_of(const cJSON *value);

#endif
