/*
 * A page of the list of containers, produced in one of two ways:
 *
 * walk  The next roots are listed by name from Kubernetes: one call for each kind of root that may have more,
 *       concurrently, independent of the number of containers. Kubernetes can only filter by labels and sort by name.
 *       The first page is current. Later pages use a list that is as old as the first page only to find the next
 *       containers, which are then read by their ids, in one call for each kind of root, concurrently (more for a page
 *       of more than about 160 ids, and for roots without one). So the content is current, of any kind of root, and a
 *       container that exists throughout is listed once; one created after the first page may be missing. Later pages
 *       are shorter by deleted containers.
 * pick  The cache has the state of all containers, and the spec members that lists use (kube_facts.h): the page is
 *       selected there, and then its roots are read, in one call for each kind among them (another one for roots
 *       without an id). The content is current, but a container that was created a moment ago may not be selected.
 *
 * Both write the JSON of the reply, {"containers": [...], "next_page_token": "..."}.
 */
#ifndef KUBE_WORKER_LIST_LIST_PAGE_H
#define KUBE_WORKER_LIST_LIST_PAGE_H

#include "common/container/list_filter.h"
#include "common/container/list_order.h"
#include "kube-worker/list/page_token.h"
#include "kube-worker/operation/op.h"

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
