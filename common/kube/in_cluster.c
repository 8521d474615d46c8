#include "common/kube/in_cluster.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/strutil.h"
#include "common/kube/kubeconfig_fields.h"

#define PLACE "service account of the Pod"

static bool is_set(const char *value)
{
	return value && value[0] != '\0';
}

/* "https://host:port"; with brackets for an IPv6 address. */
static enum rc set_server(struct kubeconfig *config, struct error *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool bare_ipv6;

	if (!is_set(host) || !is_set(port))
		return error_set(err, RC_INVALID_ARGUMENT,
				 "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set (not running in a "
				 "Pod): set SP_K8S_KUBECONFIG to the path of a kubeconfig file");
	if (strpbrk(host, "/?#"))
		return error_set(err, RC_INVALID_ARGUMENT, "KUBERNETES_SERVICE_HOST is not a host name");
	bare_ipv6 = strchr(host, ':') && host[0] != '[';
	if (asprintf(&config->server, "https://%s%s%s:%s", bare_ipv6 ? "[" : "", host, bare_ipv6 ? "]" : "", port) < 0)
		return error_no_memory(err);
	return RC_OK;
}

static enum rc set_files(struct kubeconfig *config, const char *folder, struct error *err)
{
	if (asprintf(&config->token_file, "%s/token", folder) < 0 ||
	    asprintf(&config->ca_file, "%s/ca.crt", folder) < 0)
		return error_no_memory(err);
	if (access(config->token_file, F_OK) != 0)
		return error_set(err, RC_NOT_FOUND,
				 IN_CLUSTER_VARIABLE
				 ": %s: %s does not exist (automountServiceAccountToken: false?); mount it, or set "
				 "SP_K8S_KUBECONFIG to the path of a kubeconfig file",
				 PLACE, config->token_file);
	return RC_OK;
}

enum rc in_cluster_load(const char *folder, struct kubeconfig **ret_config, struct error *err)
{
	struct kubeconfig *config = calloc(1, sizeof(*config));
	enum rc rc = RC_OK;

	if (!config)
		return error_no_memory(err);
	config->cluster_place = str_dup(PLACE);
	config->user_place = str_dup(PLACE);
	if (!config->cluster_place || !config->user_place)
		rc = error_no_memory(err);
	if (!rc)
		rc = set_server(config, err);
	if (!rc)
		rc = set_files(config, folder, err);
	if (!rc) {
		rc = kubeconfig_check(config, err);
		if (rc)
			error_wrap(err, rc, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
	}
	if (rc) {
		kubeconfig_destroy(config);
		return rc;
	}
	*ret_config = config;
	return RC_OK;
}
