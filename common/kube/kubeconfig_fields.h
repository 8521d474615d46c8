/*
 * The members of a kubeconfig's cluster and user, one table each: JSON tree to struct kubeconfig. Also the checks of
 * combinations. Pure.
 */
#ifndef COMMON_KUBE_KUBECONFIG_FIELDS_H
#define COMMON_KUBE_KUBECONFIG_FIELDS_H

#include "common/kube/kubeconfig.h"
#include "common/services/json.h"

/* The location of a mapping. */
struct kubeconfig_place {
	const char *text;   /* for messages */
	const char *folder; /* of its file, with a trailing slash; "": the working directory */
};

/*
 * Read the mapping into config; NULL is an empty mapping. Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY; config is then
 * partly filled.
 */
enum rc kubeconfig_read_cluster(const struct kubeconfig_place *place, const cJSON *cluster, struct kubeconfig *config,
				struct error *err) must_check;
enum rc kubeconfig_read_user(const struct kubeconfig_place *place, const cJSON *user, struct kubeconfig *config,
			     struct error *err) must_check;

/*
 * Check the result, and normalise the URLs. Credentials are for TLS only: for http they are removed. Errors:
 * RC_INVALID_ARGUMENT, RC_NO_MEMORY.
 */
enum rc kubeconfig_check(struct kubeconfig *config, struct error *err) must_check;

/* The type of a value for messages, "a string", "a number", ...; never its content. */
const char *kubeconfig_kind_of(const cJSON *value);

#endif
