/*
 * Incremental parser of a Kubernetes List: delivers items without buffering the whole list. Pure; no I/O.
 */
#ifndef COMMON_KUBE_KUBE_LIST_PARSER_H
#define COMMON_KUBE_KUBE_LIST_PARSER_H

#include "common/base/buf.h"
#include "common/services/json.h"

/*
 * Receives one item (borrowed). An error ends the list.
 */
typedef enum rc (*kube_list_item)(void *ctx, const cJSON *item, struct error *err);

struct kube_list_parser {
	kube_list_item on_item;
	void *ctx;
	struct buf envelope; /* the response without its items: "items":[] */
	struct buf item;     /* the current item */
	char word[8];        /* the last string at the top level, truncated: a key or a value */
	size_t word_len;
	unsigned depth;
	bool in_string;
	bool escaped;
	bool in_items;
	enum rc failed;
	struct error error;
};

/* Start: on_item is called for each item as soon as it is complete. Clear with kube_list_parser_clear(). */
struct kube_list_parser kube_list_parser_make(kube_list_item on_item, void *ctx);
void kube_list_parser_clear(struct kube_list_parser *list);

/*
 * Process the next bytes, with arbitrary boundaries. Returns false after the first error (reported by
 * kube_list_parser_finish()). Has the signature of http_request.on_bytes, with the list as ctx.
 */
bool kube_list_parser_feed(void *list, const char *bytes, size_t len);

/* Reset, for a retried request. Has the signature of kube_request.on_restart. */
void kube_list_parser_restart(void *list);

/*
 * Finish at the end of the response, and return the list metadata.
 *
 * ret_continue          the token of the next page, "" when this was the last; owned by the caller (free()).
 * ret_resource_version  owned by the caller (free()); "" when absent. May be NULL.
 *
 * Errors: those of on_item; RC_UNAVAILABLE truncated, not a list of objects, or an item above 16 MiB; RC_NO_MEMORY.
 */
enum rc kube_list_parser_finish(struct kube_list_parser *list, char **ret_continue, char **ret_resource_version,
				struct error *err) must_check;

#endif
