/*
 * Converts Kubernetes objects to the Container of the API. Pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_VIEW_H
#define COMMON_CONTAINER_CONTAINER_VIEW_H

#include "common/container/container_state.h"
#include "common/container/etag.h"
#include "common/container/service_view.h"
#include "common/services/json_write.h"

#define CONTAINER_IP_MAX 64
#define CONTAINER_MESSAGE_MAX 256
#define CONTAINER_VIEW_MAX (16u * 1024 * 1024) /* bytes of its JSON; above any Kubernetes object */

/* The parts of a Container that are not in its root; owns its texts. */
struct container_extras {
	enum kube_kind root; /* its kind */
	enum container_status status;
	int64_t changed_ms;
	int64_t recheck_ms; /* as in struct container_state */
	char ip[CONTAINER_IP_MAX];
	char message[CONTAINER_MESSAGE_MAX]; /* human-readable; may be "" */
	struct buf service;                  /* JSON, empty: no Service */
	unsigned missing;                    /* roles that the root requires but that do not exist, as bits */
	bool pod_seen;
	int32_t revision; /* 0: unknown */
};

struct container_extras container_extras_make(void);
void container_extras_clear(struct container_extras *extras);
#define cleanup_container_extras cleanup_with(container_extras_clear)

/*
 * Fill them from the root and the facts of the instance.
 *
 * root      may be newer than the one among the facts.
 * now_ms, rules  as for container_state_derive().
 * Errors: RC_NO_MEMORY.
 */
enum rc container_extras_read(struct container_extras *extras, const struct fact *root, const struct fact *const *facts,
			      size_t count, int64_t now_ms, const struct status_rules *rules, struct error *err)
	must_check;

/* Use one of the root's objects instead of the current one in its role, if the role is shown. Errors: RC_NO_MEMORY. */
enum rc container_extras_show(struct container_extras *extras, const struct fact *child, struct error *err) must_check;

/*
 * Write the Container. Values are returned as the client wrote them as long as the cluster holds an equal value; values
 * changed in the cluster are returned as they are; members that are missing in a root of another program are omitted.
 *
 * ret_etag  its version, which is also written; may be NULL.
 * Errors: those of the writer's buffer; RC_NO_MEMORY, RC_INTERNAL. The output is then invalid.
 */
enum rc container_view_write(struct json_writer *w, const cJSON *root, const struct container_extras *extras,
			     char ret_etag[CONTAINER_ETAG_MAX], struct error *err) must_check;

/* Only the version. Errors: as container_view_write(). */
enum rc container_view_etag(const cJSON *root, const struct container_extras *extras, char ret_etag[CONTAINER_ETAG_MAX],
			    struct error *err) must_check;

#endif
