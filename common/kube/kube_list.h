/*
 * Read a whole collection, page by page, delivering each object as it arrives.
 */
#ifndef COMMON_KUBE_KUBE_LIST_H
#define COMMON_KUBE_KUBE_LIST_H

#include "common/kube/kube_client.h"
#include "common/kube/kube_list_parser.h"
#include "common/kube/kube_path.h"

#define KUBE_LIST_MAX (512u * 1024 * 1024) /* bytes of all pages together: more than 50,000 Pods */

struct kube_page {
	enum kube_kind kind;
	const char *namespace;
	const char *selector;         /* of labels */
	int limit;                    /* objects per page */
	const char *token;            /* `continue`; NULL or "": from the start */
	const char *version;          /* from the start, at exactly this resourceVersion; NULL: current state */
	int64_t deadline_ms;          /* clock_mono_ms() */
	bool once;                    /* no retries */
	bool (*cancelled)(void *ctx); /* may be NULL */
	kube_list_item on_item;
	void (*on_restart)(void *ctx); /* the page is restarted after a broken connection; may be NULL */
	void *ctx;
};

/*
 * Read one page, in one call.
 *
 * ret_token, ret_version  as kube_list_parser_finish(): the next page's token ("" = none) and the list's
 *                         resourceVersion; owned by the caller (free()). ret_version may be NULL.
 * ret_newer_token         on RC_EXPIRED: the token to continue at the same position in the current state, or NULL;
 *                         owned by the caller. May be NULL.
 * Errors: as kube_client_do(), and those of on_item; RC_EXPIRED the token or the version has expired.
 */
enum rc kube_list_page(struct kube_client *client, const struct kube_page *page, char **ret_token, char **ret_version,
		       char **ret_newer_token, struct error *err) must_check;

/*
 * Read all pages from the start (page->token is not used). page->deadline_ms is for all pages; a single page that takes
 * longer than 50 s fails, as do more bytes than KUBE_LIST_MAX (RC_UNAVAILABLE). ret_version may be NULL.
 */
enum rc kube_list_all(struct kube_client *client, const struct kube_page *page, char **ret_version, struct error *err)
	must_check;

#endif
