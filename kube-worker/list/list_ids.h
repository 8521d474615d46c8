/*
 * Label selectors for roots by their ids, many at once.
 */
#ifndef KUBE_WORKER_LIST_LIST_IDS_H
#define KUBE_WORKER_LIST_LIST_IDS_H

#include "common/base/buf.h"

#define LIST_IDS_MAX 6000    /* bytes of the ids in a question: proxies take no longer URLs */
#define LIST_IDS_QUESTIONS 2 /* that some ids can take: one for roots that have them, one for roots without any */
#define LIST_IDS_SELECTOR_MAX (2 * LIST_IDS_MAX) /* bytes that a question adds to the selector */

struct list_ids {
	struct buf text; /* with commas between them */
	bool without;    /* roots without an id, or with an empty one, are asked for too */
};

struct list_ids list_ids_make(void);
void list_ids_clear(struct list_ids *ids);
#define cleanup_list_ids cleanup_with(list_ids_clear)

/* Forget all. */
void list_ids_reset(struct list_ids *ids);

/* Is there room for one more? */
bool list_ids_have_room(const struct list_ids *ids, const char *id);

/* Add an id, for which there is room; "": roots without one. */
void list_ids_add(struct list_ids *ids, const char *id);

/*
 * Write the selector of a question.
 *
 * number    0 to LIST_IDS_QUESTIONS - 1.
 * base      the selector that all roots match.
 * selector  replaced.
 * Returns false when that question need not be asked.
 */
bool list_ids_question(const struct list_ids *ids, int number, const struct buf *base, struct buf *selector);

#endif
