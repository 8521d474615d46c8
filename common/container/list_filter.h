/*
 * Filters of lists: a subset of AIP-160. Pure.
 *
 * 	filter  = operand {"AND" operand} | operand {"OR" operand}     both in one only with brackets
 * 	operand = "NOT" operand | "(" filter ")" | field operator value
 * 	field   = "id" | "name" | "image" | "status" | "create_time" | "labels" | "labels." key
 * 	operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
 * 	value   = text in quotes (with \ before a quote or a \), or letters, digits and _ . - / + @ : *
 *
 * A key may stand in quotes as well. Texts are compared byte by byte, times as times (RFC 3339); of a status only `=`
 * and `!=` can be asked. `:` asks for what a value has: a label (`labels:KEY`), a part of an id, a name or an image;
 * `:*` for whether there is anything. A comparison with a label that a container does not have is false, also `!=`.
 */
#ifndef COMMON_CONTAINER_LIST_FILTER_H
#define COMMON_CONTAINER_LIST_FILTER_H

#include "common/base/buf.h"
#include "common/container/list_fields.h"

#define LIST_FILTER_MAX 4096    /* bytes */
#define LIST_FILTER_TERMS 100   /* comparisons */
#define LIST_FILTER_DEPTH 16    /* brackets and NOTs within each other */
#define LIST_SELECTOR_MAX 16384 /* bytes of what list_filter_select() appends */

struct list_filter;

/*
 * Read one.
 *
 * ret_filter  owned by the caller (list_filter_destroy).
 * Errors: RC_INVALID_ARGUMENT what is wrong at which character; RC_NO_MEMORY.
 */
enum rc list_filter_parse(const char *text, struct list_filter **ret_filter, struct error *err) must_check;

/* Free it. NULL is allowed. */
void list_filter_destroy(struct list_filter *filter);
void list_filter_destroy_at(struct list_filter **filter);
#define cleanup_list_filter cleanup_with(list_filter_destroy_at)

/* Whether the container matches. NULL: there is no filter. */
bool list_filter_matches(const struct list_filter *filter, const struct list_subject *subject);

/*
 * Append what of the filter must hold for the labels of an object, as terms of a Kubernetes label selector, each after
 * a comma. True: that is all that the filter says. NULL: nothing, and true.
 */
bool list_filter_select(const struct list_filter *filter, struct buf *selector);

#endif
