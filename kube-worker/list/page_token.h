/*
 * Opaque page tokens of lists, with a tag that identifies our own.
 */
#ifndef KUBE_WORKER_LIST_PAGE_TOKEN_H
#define KUBE_WORKER_LIST_PAGE_TOKEN_H

#include "common/base/buf.h"
#include "common/services/json.h"

struct page_position {
	char *kube_token; /* Kubernetes' `continue`; "": from the start. With several kinds, that of the first */
	char *after;      /* the name of the last returned root; names up to it are skipped; "": none */
	cJSON *keys;      /* its other sort keys, an array of texts; NULL: sorted by name only */
	cJSON *kinds;     /* positions of the kinds, as list_walk.c writes it; NULL: one kind */
};

void page_position_clear(struct page_position *position);
#define cleanup_page_position cleanup_with(page_position_clear)

/*
 * Append the token of a position.
 *
 * scope  scope of the token (provider, namespace, filter and order): invalid in other scopes. Errors: those of the
 *        buffer, RC_INTERNAL.
 */
enum rc page_token_encode(const struct page_position *position, const char *scope, struct buf *out, struct error *err)
	must_check;

/* RC_INVALID_ARGUMENT with the message for an invalid token. */
enum rc page_token_refuse(struct error *err);

/*
 * Parse a client's token; "" is the start.
 *
 * ret_position  filled on success; page_position_clear() by the caller.
 * Errors: RC_INVALID_ARGUMENT not from page_token_encode() for this scope; RC_NO_MEMORY.
 */
enum rc page_token_decode(const char *token, const char *scope, struct page_position *ret_position, struct error *err)
	must_check;

#endif
