/*
 * Finding a container and what belongs to it: by name, which is its id for everything that we made; by label for what
 * other programs made; beside the cache, or by asking when the cache does not know yet.
 */
#ifndef KUBE_WORKER_CONTAINER_FIND_H
#define KUBE_WORKER_CONTAINER_FIND_H

#include "common/container/container_view.h"
#include "kube-worker/op.h"

/* Is the Deployment a container of that id: does it carry our three labels? */
bool container_is(const cJSON *deployment, const char *id);

/* The same, and it is not being deleted. */
bool container_is_live(const cJSON *deployment, const char *id);

/* Names of Deployments. */
struct container_names {
	struct buf names; /* NUL-terminated, one after the other, the oldest Deployment's first */
	size_t count;
};

void container_names_clear(struct container_names *names);
#define cleanup_container_names cleanup_with(container_names_clear)

/*
 * Find the live Deployments of an id that have another name than the id: made by other programs.
 *
 * From the cache; by one label list when it is not synchronised.
 * ret_names  filled; container_names_clear() by the caller, also after an error.
 * Errors: as op_kube_get().
 */
enum rc container_find_foreign(struct op_call *call, const char *id, struct container_names *ret_names,
			       struct error *err) must_check;

/*
 * Get a live Deployment of the id that has another name, as it is now.
 *
 * reply  its object is the Deployment; kube_reply_clear() by the caller.
 * Errors: RC_NOT_FOUND there is none; else as op_kube_get().
 */
enum rc container_find_other(struct op_call *call, const char *id, struct kube_reply *reply, struct error *err)
	must_check;

/*
 * Get the container's Deployment: one call for those that we made.
 *
 * reply  its object is the Deployment; kube_reply_clear() by the caller.
 * Errors: RC_NOT_FOUND there is none, or it is being deleted; else as op_kube_get().
 */
enum rc container_find(struct op_call *call, const char *id, struct kube_reply *reply, struct error *err) must_check;

/*
 * Find the container that was made with a token: in the cache, as fresh as the watch; by a list while that is not
 * synchronised.
 *
 * ret_id  its id.
 * Errors: RC_NOT_FOUND there is none; else as op_kube_get().
 */
enum rc container_find_by_token(struct op_call *call, const char *token, char ret_id[PROTOCOL_ID_MAX + 1],
				struct error *err) must_check;

/*
 * Gather what a Container shows beside its Deployment: from the cache, or by asking for what the cache should know and
 * does not (not synchronised; Pods or a Service that the Deployment says exist).
 *
 * extras  from container_extras_make(); filled.
 */
enum rc container_gather(struct op_call *call, const cJSON *deployment, struct container_extras *extras,
			 struct error *err) must_check;

/*
 * The same for a list page: never asks for a single container.
 *
 * cache  the shared one, or one that container_read_all() filled.
 */
enum rc container_gather_from(struct op_call *call, struct kube_cache *cache, const cJSON *deployment,
			      struct container_extras *extras, struct error *err) must_check;

/*
 * Read the ReplicaSets, Pods and Services of one id (NULL: of all) into a cache of one's own: three calls a page each.
 *
 * ret_cache  given to the caller (kube_cache_destroy).
 */
enum rc container_read_all(struct op_call *call, const char *id, struct kube_cache **ret_cache, struct error *err)
	must_check;

/* The kinds that a container's state is made of, as bits for kube_cache_is_synced(). */
#define CONTAINER_PART_KINDS (1u << KUBE_REPLICASET | 1u << KUBE_POD | 1u << KUBE_SERVICE)

#endif
