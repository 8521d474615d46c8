/*
 * A page of the list of containers, produced in one of two ways:
 *
 * walk  Reads the next roots by name from Kubernetes: one concurrent call for each kind of root that may have more,
 *       however many containers there are. Kubernetes filters by labels and sorts by name only. The first page is
 *       current. Later pages are listed in the state of the first page, which only determines the next containers;
 *       these are then read by their ids, in one concurrent call for each kind of root (more for a page of more than
 *       about 160 ids, and for roots without one). So their content is current, also if a container was recreated as
 *       another kind, and a container that exists throughout is listed once; one created after the first page may be
 *       missing. A later page is shorter by the containers deleted in the meantime.
 * pick  The cache has the state of all containers, and the members of their specs that lists use (fact.h): the page is
 *       selected there, and then its roots are read, in one call for each of their kinds (one more for roots without an
 *       id). So the content is current, but a container created a moment ago may be missing.
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
