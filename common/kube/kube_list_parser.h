/*
 * A Kubernetes List as it arrives: cut into its items without ever holding the whole. Pure; no I/O.
 */
#ifndef COMMON_KUBE_KUBE_LIST_PARSER_H
#define COMMON_KUBE_KUBE_LIST_PARSER_H

#include "common/base/buf.h"
#include "common/services/json.h"

/*
 * Takes one item (borrowed). An error ends the list.
 */
typedef enum rc (*kube_list_item)(void *ctx, const cJSON *item, struct error *err);

struct kube_list_parser {
	kube_list_item on_item;
	void *ctx;
	struct buf envelope; /* the answer without its items: "items":[] */
	struct buf item;     /* the item that is arriving */
	char word[8];        /* the last string at the top level, cut: a key or a value */
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
 * Take the next bytes, however they are cut. False after the first fault (kube_list_parser_finish() tells which): more
 * bytes are not wanted. Its shape is that of http_request.on_bytes, with the list as ctx.
 */
bool kube_list_parser_feed(void *list, const char *bytes, size_t len);

/* Forget everything and start anew, for a request that is tried again. Its shape is that of kube_request.on_restart. */
void kube_list_parser_restart(void *list);

/*
 * The answer has ended: what it says of itself.
 *
 * ret_continue          the token of the next page, "" when this was the last; owned by the caller (free()).
 * ret_resource_version  owned by the caller (free()); "" when absent. May be NULL.
 *
 * Errors: those of on_item; RC_UNAVAILABLE for an answer that ended too early, is no list of objects, or has an item
 * above 16 MiB; RC_NO_MEMORY.
 */
enum rc kube_list_parser_finish(struct kube_list_parser *list, char **ret_continue, char **ret_resource_version,
				struct error *err) must_check;

#endif
