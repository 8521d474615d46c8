#include "tests/kubesim/kubeconfig.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/strutil.h"

#define FILE_MAX ((size_t)1 << 20) /* bytes */

enum rc sim_file_read(const char *path, char **ret_text, struct error *err)
{
	struct buf text cleanup_buf = buf_make(FILE_MAX);
	char block[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return error_set(err, RC_UNAVAILABLE, "read '%s': %s", path, error_errno_text(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&text, block, n);
	fclose(f);
	if (buf_check(&text, err))
		return error_wrap(err, RC_TOO_LARGE, "read '%s'", path);
	*ret_text = buf_take(&text, NULL);
	return *ret_text ? RC_OK : error_no_memory(err);
}

enum rc sim_file_write(const char *path, const char *text, struct error *err)
{
	char temporary[PATH_MAX];
	FILE *f;
	bool written;

	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	f = fopen(temporary, "we");
	if (!f)
		return error_set(err, RC_UNAVAILABLE, "write '%s': %s", temporary, error_errno_text(errno));
	written = fputs(text, f) >= 0;
	written = fclose(f) == 0 && written;
	if (!written || rename(temporary, path))
		return error_set(err, RC_UNAVAILABLE, "write '%s': %s", path, error_errno_text(errno));
	return RC_OK;
}

/* The token that a client may use: the option's, or the first of the file. False: none is needed. */
static bool first_token(const struct sim_options *options, char *out, size_t size)
{
	cleanup_free char *text = NULL;

	if (options->token) {
		snprintf(out, size, "%s", options->token);
		return true;
	}
	if (!options->token_file || sim_file_read(options->token_file, &text, NULL))
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(text, ",\r\n"), text);
	return true;
}

enum rc sim_kubeconfig_write(const struct sim_options *options, unsigned port, struct error *err)
{
	struct buf out cleanup_buf = buf_make(FILE_MAX);
	cleanup_free char *ca = options->tls_cert ? realpath(options->tls_cert, NULL) : NULL;
	const char *colon = strrchr(options->listen, ':');
	int host_len = (int)(colon - options->listen);
	char token[4096];

	buf_addf(&out,
		 "apiVersion: v1\nkind: Config\ncurrent-context: kubesim\nclusters:\n- name: kubesim\n  cluster:\n");
	buf_addf(&out, "    server: %s://%.*s:%u\n", options->tls_cert ? "https" : "http", host_len ? host_len : 9,
		 host_len ? options->listen : "127.0.0.1", port);
	if (ca)
		buf_addf(&out, "    certificate-authority: \"%s\"\n", ca);
	buf_addf(&out, "users:\n- name: kubesim\n  user:");
	if (first_token(options, token, sizeof(token)))
		buf_addf(&out, "\n    token: \"%s\"\n", token);
	else
		buf_add_str(&out, " {}\n");
	buf_addf(&out, "contexts:\n- name: kubesim\n  context:\n    cluster: kubesim\n    user: kubesim\n");
	return sim_file_write(options->kubeconfig, out.data, err);
}
