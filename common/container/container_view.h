/*
 * From Kubernetes objects to the Container that clients see. Pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_VIEW_H
#define COMMON_CONTAINER_CONTAINER_VIEW_H

#include "common/container/container_state.h"
#include "common/container/etag.h"
#include "common/container/service_view.h"
#include "common/services/json_write.h"

#define CONTAINER_IP_MAX 64
#define CONTAINER_MESSAGE_MAX 256
#define CONTAINER_VIEW_MAX (16u * 1024 * 1024) /* bytes of one as JSON; no object of Kubernetes is as large */

/* What a Container shows beside its root; owns its texts. */
struct container_extras {
	enum kube_kind root; /* its kind */
	enum container_status status;
	int64_t changed_ms;
	int64_t recheck_ms; /* as that of a container_state */
	char ip[CONTAINER_IP_MAX];
	char message[CONTAINER_MESSAGE_MAX]; /* human-readable; "" when there is nothing to say */
	struct buf service;                  /* JSON, empty: there is no Service */
	unsigned missing; /* roles that the root wants and for which there is nothing to show, as bits */
	bool pod_seen;
	int32_t revision; /* 0: it is not known */
};

struct container_extras container_extras_make(void);
void container_extras_clear(struct container_extras *extras);
#define cleanup_container_extras cleanup_with(container_extras_clear)

/*
 * Fill them from the root and what is known of the instance.
 *
 * root      may be newer than the one among the facts.
 * now_ms, rules  as for container_state_derive().
 * Errors: RC_NO_MEMORY.
 */
enum rc container_extras_read(struct container_extras *extras, const struct fact *root, const struct fact *const *facts,
			      size_t count, int64_t now_ms, const struct status_rules *rules, struct error *err)
	must_check;

/* Show one of the root's objects instead of what is shown in its role, if that shows. Errors: RC_NO_MEMORY. */
enum rc container_extras_show(struct container_extras *extras, const struct fact *child, struct error *err) must_check;

/*
 * Write the Container. What the client wrote comes back as it was written for as long as the cluster holds an equal
 * value; what was changed in the cluster shows as it is; what is missing in a root that others made is left out.
 *
 * ret_etag  its version, which is also in what is written; NULL: not wanted.
 * Errors: those of the writer's buffer; RC_NO_MEMORY, RC_INTERNAL. What was written is then of no use.
 */
enum rc container_view_write(struct json_writer *w, const cJSON *root, const struct container_extras *extras,
			     char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/* The version alone. Errors: as container_view_write(). */
enum rc container_view_etag(const cJSON *root, const struct container_extras *extras, char ret_etag[CONTAINER_ETAG_MAX],
			    struct error *err) must_check;

#endif
