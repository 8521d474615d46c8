/*
 * A page of the list of containers, produced in one of two ways:
 *
 * walk  Kubernetes is asked for the next roots by their names: one call for each kind of root of which there may be
 *       more, side by side, whatever the number of containers. All that it can filter by is labels, and all that it can
 *       sort by is names. The first page is as fresh as Kubernetes. On later ones its answer is as old as the first
 *       page, and says only which containers come next; these are then read by their ids, in one call for each kind of
 *       root, side by side (more for a page of more than about 160 ids, and for roots without one). So what is shown is
 *       as fresh as Kubernetes, in whichever kind it is by now, and what was there all the time is shown once; what was
 *       made after the first page may be missing. A later page is shorter by what has gone meanwhile.
 * pick  The cache knows the state of all containers, and of their specs what lists look at (fact.h): the page is
 *       chosen there, and then its roots are read, in one call for each kind among them (another one for roots without
 *       an id). What is shown is as fresh as Kubernetes, but a container that was made a moment ago may not be among
 *       those that are chosen.
 *
 * Both write the JSON of the reply, {"containers": [...], "next_page_token": "..."}.
 */
#ifndef KUBE_WORKER_LIST_LIST_PAGE_H
#define KUBE_WORKER_LIST_LIST_PAGE_H

#include "common/container/list_filter.h"
#include "common/container/list_order.h"
#include "kube-worker/list/page_token.h"
#include "kube-worker/operation/op_call.h"

struct list_question {
	struct list_filter *filter; /* NULL: all containers */
	struct list_order order;
	struct buf selector; /* for Kubernetes: our labels, and label conditions of the filter */
	struct buf scope;    /* of page tokens, which are bound to filter and order */
	size_t max;          /* containers per page */
	struct page_position position;
};

/* Errors: RC_INVALID_ARGUMENT a position of another list; else as op_kube_get(). */
enum rc list_walk(struct op_call *call, struct list_question *question, struct buf *result, struct error *err)
	must_check;
enum rc list_pick(struct op_call *call, struct list_question *question, struct buf *result, struct error *err)
	must_check;

#endif
