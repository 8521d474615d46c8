/*
 * Filters of lists: a subset of AIP-160. Pure.
 *
 * 	filter  = operand {"AND" operand} | operand {"OR" operand}     mixing both requires parentheses
 * 	operand = "NOT" operand | "(" filter ")" | field operator value
 * 	field   = "id" | "name" | "image" | "status" | "create_time" | "labels" | "labels." key
 * 	operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
 * 	value   = quoted text (with \ before a quote or a \), or letters, digits and _ . - / + @ : *
 *
 * A key may be quoted as well. Texts are compared bytewise, times as times (RFC 3339); a status supports only `=` and
 * `!=`. `:` tests for presence of a label (`labels:KEY`), or for a substring of an id, a name or an image; `:*` for any
 * value. A comparison with a label that a container does not have is false, also `!=`.
 */
#ifndef COMMON_CONTAINER_LIST_FILTER_H
#define COMMON_CONTAINER_LIST_FILTER_H

#include "common/base/buf.h"
#include "common/container/list_fields.h"

#define LIST_FILTER_MAX 4096    /* bytes */
#define LIST_FILTER_TERMS 100   /* comparisons */
#define LIST_FILTER_DEPTH 16    /* nesting of parentheses and NOTs */
#define LIST_SELECTOR_MAX 16384 /* bytes appended by list_filter_select() */

struct list_filter;

/*
 * Parse a filter.
 *
 * ret_filter  owned by the caller (list_filter_destroy).
 * Errors: RC_INVALID_ARGUMENT with the error and its position; RC_NO_MEMORY.
 */
enum rc list_filter_parse(const char *text, struct list_filter **ret_filter, struct error *err) must_check;

/* Free it. NULL is allowed. */
void list_filter_destroy(struct list_filter *filter);
void list_filter_destroy_at(struct list_filter **filter);
#define cleanup_list_filter cleanup_with(list_filter_destroy_at)

/* Whether the container matches. NULL: no filter. */
bool list_filter_matches(const struct list_filter *filter, const struct list_subject *subject);

/*
 * Append the label conditions of the filter as terms of a Kubernetes label selector, each after a comma. Returns true
 * if the selector is equivalent to the filter. NULL: nothing, and true.
 */
bool list_filter_select(const struct list_filter *filter, struct buf *selector);

#endif
