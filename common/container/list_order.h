/*
 * The order of a list, as clients write it: "create_time desc, name" (AEP-132). Pure.
 */
#ifndef COMMON_CONTAINER_LIST_ORDER_H
#define COMMON_CONTAINER_LIST_ORDER_H

#include "common/base/error.h"
#include "common/container/list_fields.h"

#define LIST_ORDER_MAX 256 /* bytes of the text */

/* Zeroed: by the names of the roots, which equal the ids of our own containers. They are also the final sort key. */
struct list_order {
	struct list_order_term {
		enum list_field field;
		bool descending;
	} terms[LIST_FIELD_COUNT];
	size_t count;
};

/* Parse it. Errors: RC_INVALID_ARGUMENT with the error and its position. */
enum rc list_order_parse(const char *text, struct list_order *ret_order, struct error *err) must_check;

/* < 0: `a` comes before `b`; 0: they are the same root. */
int list_order_compare(const struct list_order *order, const struct list_subject *a, const struct list_subject *b);

#endif
