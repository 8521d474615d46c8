/*
 * The certificates, the key and the token of a kubeconfig, from wherever it says: read, checked, and read again when
 * their files change. Not safe in several threads: kube_auth.c renews a copy.
 */
#ifndef COMMON_KUBE_KUBE_SECRETS_H
#define COMMON_KUBE_KUBE_SECRETS_H

#include "common/kube/kubeconfig.h"
#include "common/services/secret_file.h"

/* A text, and the file that it comes from. */
struct kube_secret {
	const char *path;        /* borrowed from the kubeconfig; NULL: it never changes */
	char *text;              /* NULL: there is none (yet) */
	struct file_stamp stamp; /* of the file when it was last tried */
};

struct kube_secrets {
	const char *variable; /* for the log: which setting has led to the files */
	struct kube_secret ca;
	struct kube_secret cert;
	struct kube_secret key;
	struct kube_secret token;
	struct error token_error; /* why token.text is NULL although there is a path */
};

/*
 * Read everything for the first time. A token's file may still be missing: token.text is then the kubeconfig's `token`
 * or NULL.
 *
 * variable  static: the setting that has led to the configuration, for the log.
 * config    borrowed, outlives *secrets.
 * Errors, naming the kubeconfig's place and member: RC_NOT_FOUND; RC_INVALID_ARGUMENT no such PEM, a key that does not
 * belong to its certificate; RC_NO_MEMORY. *secrets may then be cleared.
 */
enum rc kube_secrets_init(struct kube_secrets *secrets, const char *variable, const struct kubeconfig *config,
			  struct error *err) must_check;

/* Copy, into a zeroed struct. False when out of memory; *ret_copy may then be cleared. */
bool kube_secrets_copy(const struct kube_secrets *secrets, struct kube_secrets *ret_copy) must_check;

void kube_secrets_swap(struct kube_secrets *a, struct kube_secrets *b);

/* Wipe and free. A zeroed struct is allowed. */
void kube_secrets_clear(struct kube_secrets *secrets);

/*
 * Read again what has changed (everything, when asked to). A file that is missing, empty or does not hold what it
 * should leaves the old content in place, with a line in the log; certificate and key change together or not at all.
 *
 * Returns whether a text is another one now.
 */
bool kube_secrets_renew(struct kube_secrets *secrets, bool everything);

#endif
