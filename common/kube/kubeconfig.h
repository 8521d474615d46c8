/*
 * The current context of kubeconfig files, as plain data. Reads and validates the files; the files that they refer to
 * (certificates, tokens) are read by kube_secrets.h.
 *
 * Accepts what kubectl accepts (tests/end-to-end/kubeconfigs.py); unknown members are ignored. Messages never contain
 * values that may be secret. Source: client-go tools/clientcmd/api/v1/types.go, loader.go, validation.go.
 */
#ifndef COMMON_KUBE_KUBECONFIG_H
#define COMMON_KUBE_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define KUBECONFIG_FILES_MAX 16 /* per list of paths */

struct kubeconfig_list {
	char **items;
	size_t count;
};

struct kubeconfig_pair {
	char *name;
	char *value;
};

struct kubeconfig_pairs {
	struct kubeconfig_pair *items;
	size_t count;
};

/* A program that prints credentials; command NULL: none. */
struct kubeconfig_exec {
	char *command; /* a path if it has a slash, otherwise searched in PATH */
	char *api_version;
	char *install_hint;     /* NULL: none */
	char *interactive_mode; /* NULL: not set */
	struct kubeconfig_list args;
	struct kubeconfig_pairs env;
	bool provide_cluster_info;
};

/* Missing and empty strings are NULL. Of each pair _file and _data at most one is set. */
struct kubeconfig {
	char *cluster_place; /* for messages: "/root/.kube/config: cluster 'a'" */
	char *user_place;

	char *server; /* normalised: "https://host:port/path", no trailing slash */
	char *server_name;
	char *proxy_url; /* as written */
	char *proxy;     /* the same in libcurl's form */
	char *ca_file;
	char *ca_data;     /* PEM */
	char *exec_config; /* JSON: the cluster's extension for the plugin */
	bool insecure;
	bool disable_compression;

	char *cert_file;
	char *cert_data;
	char *key_file;
	char *key_data;
	char *token;
	char *token_file; /* takes precedence over token, once it was read */
	char *username;
	char *password;
	char *as;
	char *as_uid;
	struct kubeconfig_list as_groups;
	struct kubeconfig_pairs as_extra; /* one entry per value */
	struct kubeconfig_exec exec;
};

/* The text of one file. */
struct kubeconfig_text {
	const char *path; /* paths in the text are relative to its directory */
	const char *text;
	size_t len;
};

/*
 * Read and merge files, and resolve the current context.
 *
 * paths       one path, or several separated by ':' where the first file wins; of several, missing files are skipped.
 * ret_config  owned by the caller (kubeconfig_destroy).
 *
 * Errors: RC_INVALID_ARGUMENT with file and member; RC_NOT_FOUND no such file; RC_NO_MEMORY.
 */
enum rc kubeconfig_load(const char *paths, struct kubeconfig **ret_config, struct error *err) must_check;

/* The same for texts. Pure. */
enum rc kubeconfig_parse(const struct kubeconfig_text *texts, size_t count, struct kubeconfig **ret_config,
			 struct error *err) must_check;

/* Wipe and free. NULL is allowed. */
void kubeconfig_destroy(struct kubeconfig *config);

#endif
