/*
 * The certificates, the key and the token of a kubeconfig, inline or from files: read, checked, and read again when
 * their files change. Not thread-safe: kube_auth.c renews a copy.
 */
#ifndef COMMON_KUBE_KUBE_SECRETS_H
#define COMMON_KUBE_KUBE_SECRETS_H

#include "common/kube/kubeconfig.h"
#include "common/services/secret.h"

/* A text and its file. */
struct kube_secret {
	const char *path;               /* borrowed from the kubeconfig; NULL: constant */
	char *text;                     /* NULL: none (yet) */
	struct secret_file_stamp stamp; /* of the file at the last attempt */
};

struct kube_secrets {
	const char *variable; /* for the log: the setting of the kubeconfig */
	struct kube_secret ca;
	struct kube_secret cert;
	struct kube_secret key;
	struct kube_secret token;
	struct error token_error; /* the reason if token.text is NULL although there is a path */
};

/*
 * Read everything for the first time. A token's file may still be missing: token.text is then the kubeconfig's `token`
 * or NULL.
 *
 * variable  static: the setting of the kubeconfig, for the log.
 * config    borrowed, must outlive *secrets.
 * Errors, with the location in the kubeconfig: RC_NOT_FOUND; RC_INVALID_ARGUMENT invalid PEM, or the key does not match
 * the certificate; RC_NO_MEMORY. *secrets may then be cleared.
 */
enum rc kube_secrets_init(struct kube_secrets *secrets, const char *variable, const struct kubeconfig *config,
			  struct error *err) must_check;

/* Copy, into a zeroed struct. Returns false if out of memory; *ret_copy may then be cleared. */
bool kube_secrets_copy(const struct kube_secrets *secrets, struct kube_secrets *ret_copy) must_check;

void kube_secrets_swap(struct kube_secrets *a, struct kube_secrets *b);

/* Wipe and free. A zeroed struct is allowed. */
void kube_secrets_clear(struct kube_secrets *secrets);

/*
 * Read changed files again (or all). If a file is missing, empty or invalid, the current content is kept, and the error
 * is logged; certificate and key change together or not at all.
 *
 * Returns whether a text has changed.
 */
bool kube_secrets_renew(struct kube_secrets *secrets, bool everything);

#endif
