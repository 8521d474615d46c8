/*
 * Label selectors for roots by many ids.
 */
#ifndef KUBE_WORKER_LIST_LIST_IDS_H
#define KUBE_WORKER_LIST_LIST_IDS_H

#include "common/base/buf.h"

#define LIST_IDS_MAX 6000    /* bytes of the ids per selector, because proxies limit URLs */
#define LIST_IDS_QUESTIONS 2 /* selectors per set of ids: for roots with an id, and for roots without one */
#define LIST_IDS_SELECTOR_MAX (2 * LIST_IDS_MAX) /* bytes added to the selector */

struct list_ids {
	struct buf text; /* separated by commas */
	bool without;    /* include roots without an id, or with an empty one */
};

struct list_ids list_ids_make(void);
void list_ids_clear(struct list_ids *ids);
#define cleanup_list_ids cleanup_with(list_ids_clear)

/* Remove all. */
void list_ids_reset(struct list_ids *ids);

/* Whether there is room for one more. */
bool list_ids_have_room(const struct list_ids *ids, const char *id);

/* Add an id, if there is room; "": roots without one. */
void list_ids_add(struct list_ids *ids, const char *id);

/*
 * Write a selector.
 *
 * number    0 to LIST_IDS_QUESTIONS - 1.
 * base      the selector of all roots.
 * selector  replaced.
 * Returns false if that selector is not needed.
 */
bool list_ids_question(const struct list_ids *ids, int number, const struct buf *base, struct buf *selector);

#endif
