#include "tests/kubesim/kubeconfig.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void write_text(const struct sim_options *options, unsigned port, FILE *f)
{
	cleanup_free char *ca = options->tls_cert ? realpath(options->tls_cert, NULL) : NULL;
	const char *colon = strrchr(options->listen, ':');
	int host_len = (int)(colon - options->listen);

	fprintf(f, "apiVersion: v1\nkind: Config\ncurrent-context: kubesim\n");
	fprintf(f, "contexts: [{name: kubesim, context: {cluster: kubesim, user: kubesim}}]\n");
	fprintf(f, "clusters:\n- name: kubesim\n  cluster:\n    server: %s://%.*s:%u\n", ca ? "https" : "http",
		host_len ? host_len : INT_MAX, host_len ? options->listen : "127.0.0.1", port);
	if (ca)
		fprintf(f, "    certificate-authority: \"%s\"\n", ca);
	fprintf(f, "users:\n- name: kubesim\n  user:");
	if (options->token)
		fprintf(f, "\n    token: \"%s\"\n", options->token);
	else
		fprintf(f, " {}\n");
}

enum rc sim_kubeconfig_write(const struct sim_options *options, unsigned port, struct error *err)
{
	char temporary[PATH_MAX];
	FILE *f;

	snprintf(temporary, sizeof(temporary), "%s.tmp", options->kubeconfig);
	f = fopen(temporary, "we");
	if (f)
		write_text(options, port, f);
	if (!f || fclose(f) != 0 || rename(temporary, options->kubeconfig) != 0)
		return error_set(err, RC_UNAVAILABLE, "write '%s': %s", options->kubeconfig, error_errno_text(errno));
	return RC_OK;
}
