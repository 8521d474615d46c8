/*
 * The page token that clients carry from one list page to the next: opaque to them, and recognised as ours.
 */
#ifndef KUBE_WORKER_LIST_PAGE_TOKEN_H
#define KUBE_WORKER_LIST_PAGE_TOKEN_H

#include "common/base/buf.h"
#include "common/services/json.h"

struct page_position {
	char *kube_token; /* Kubernetes' `continue`; "": from the start. Of several kinds, that of the first */
	char *after;      /* the last root's name that was delivered; names up to it are skipped; "": none */
	cJSON *keys;  /* an array of the texts by which that one was sorted before its name; NULL: by the name alone */
	cJSON *kinds; /* where the kinds go on, as list_walk.c writes it; NULL: there is one kind */
};

void page_position_clear(struct page_position *position);
#define cleanup_page_position cleanup_with(page_position_clear)

/*
 * Append the token of a position.
 *
 * scope  what the token is good for (provider, namespace, filter and order): another scope does not accept it.
 * Failure is the buffer's, or RC_INTERNAL.
 */
enum rc page_token_encode(const struct page_position *position, const char *scope, struct buf *out, struct error *err)
	must_check;

/* RC_INVALID_ARGUMENT with the sentence about a token that is not ours. */
enum rc page_token_refuse(struct error *err);

/*
 * Read a token that a client sent; "" is the start.
 *
 * ret_position  filled on success; page_position_clear() by the caller.
 * Errors: RC_INVALID_ARGUMENT anything that page_token_encode() did not make for this scope; RC_NO_MEMORY.
 */
enum rc page_token_decode(const char *token, const char *scope, struct page_position *ret_position, struct error *err)
	must_check;

#endif
