/*
 * What kubeconfig files say about one context, as plain data. Reads the files and checks what can be checked without
 * looking elsewhere; the files that they name (certificates, tokens) are read by kube_secrets.h.
 *
 * What kubectl takes is taken (tests/end-to-end/kubeconfigs.py); unknown members are skipped. No message ever contains
 * a value that may be secret. Source: client-go tools/clientcmd/api/v1/types.go, loader.go, validation.go.
 */
#ifndef COMMON_KUBE_KUBECONFIG_H
#define COMMON_KUBE_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define KUBECONFIG_FILES_MAX 16 /* that one list of paths may name */

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
	char *command; /* with a slash: a path; without: to be looked for in PATH */
	char *api_version;
	char *install_hint;     /* NULL: none */
	char *interactive_mode; /* NULL: not given */
	struct kubeconfig_list args;
	struct kubeconfig_pairs env;
	bool provide_cluster_info;
};

/* Strings that are not given, or empty, are NULL. Of every pair _file and _data at most one is set. */
struct kubeconfig {
	char *cluster_place; /* for messages: "/root/.kube/config: cluster 'a'" */
	char *user_place;

	char *server; /* normalised: "https://host:port/path", no slash at the end */
	char *server_name;
	char *proxy_url; /* as it is given */
	char *proxy;     /* the same as libcurl wants it */
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
	char *token_file; /* wins over token, once it could be read */
	char *username;
	char *password;
	char *as;
	char *as_uid;
	struct kubeconfig_list as_groups;
	struct kubeconfig_pairs as_extra; /* a name once for each of its values */
	struct kubeconfig_exec exec;
};

/* The text of one file. */
struct kubeconfig_text {
	const char *path; /* paths in the text are relative to its folder */
	const char *text;
	size_t len;
};

/*
 * Read and merge files, and take the current context.
 *
 * paths       one path, or several separated by ':' of which the first that names something wins; of several, those
 *             that do not exist are skipped.
 * ret_config  owned by the caller (kubeconfig_destroy).
 *
 * Errors: RC_INVALID_ARGUMENT with file and member; RC_NOT_FOUND no such file; RC_NO_MEMORY.
 */
enum rc kubeconfig_load(const char *paths, struct kubeconfig **ret_config, struct error *err) must_check;

/* The same for texts that are at hand already. Pure. */
enum rc kubeconfig_parse(const struct kubeconfig_text *texts, size_t count, struct kubeconfig **ret_config,
			 struct error *err) must_check;

/* Wipe and free. NULL is allowed. */
void kubeconfig_destroy(struct kubeconfig *config);

#endif
