/*
 * Converts a container's spec, as the client wrote it, to Kubernetes objects. Pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_WRITE_H
#define COMMON_CONTAINER_CONTAINER_WRITE_H

#include "common/container/fact.h"
#include "common/container/run_state.h"
#include "common/services/json_write.h"

#define CONTAINER_OBJECT_MAX (4u * 1024 * 1024) /* bytes of an object */
#define CONTAINER_SKELETON_MAX (200u * 1024)    /* bytes; Kubernetes allows 256 KiB for all annotations */

/* The origin of a root, stored in its annotations. */
struct container_origin {
	const char *token;
	const char *attempt; /* NULL: not known */
	const char *digest;  /* "": none */
	bool owed;           /* its debt is an annotation with `attempt`; else a record */
};

/* The root that owns an object. Its name is the container's id. */
struct container_owner {
	enum kube_kind kind;
	const char *uid;
};

/*
 * Write the Deployment: named by the id, with the reserved and the client's labels, one container, and annotations: its
 * origin, and what Kubernetes would not return as written.
 *
 * spec valid for the API's schema and rules; borrowed.
 * run     its run state; NULL: of a new one (run_state_of_spec).
 * origin  NULL: not written, for an existing one, which may lack members that a new one must have.
 * Errors: RC_INVALID_ARGUMENT invalid amounts, or provider_hints and ports too large for an annotation; RC_TOO_LARGE,
 * RC_NO_MEMORY.
 */
enum rc container_write_deployment(const char *id, const cJSON *spec, const struct run_state *run,
				   const struct container_origin *origin, struct buf *out, struct error *err)
	must_check;

/*
 * Write the StatefulSet, likewise. Its Pods have the names <id>-0, <id>-1 and so on, and DNS names below the headless
 * Service. Errors: as container_write_deployment(), RC_INTERNAL.
 */
enum rc container_write_statefulset(const char *id, const cJSON *spec, const struct run_state *run,
				    const struct container_origin *origin, struct buf *out, struct error *err)
	must_check;

/*
 * Write the Service: the ports that are not `none`, and an owner reference, so that it is deleted with its root.
 *
 * name           service_name_derive() of the id.
 * external_type  the type if any port is external; else ClusterIP.
 */
enum rc container_write_service(const char *id, const char *name, const struct container_owner *owner,
				const cJSON *spec, const char *external_type, struct buf *out, struct error *err)
	must_check;

/*
 * Write the headless Service of a StatefulSet, which gives each Pod a DNS name: <Pod>.<name>. It has no ports, and
 * publishes addresses before the Pods are ready, because they may need to find each other to become ready.
 *
 * name  service_name_derive_headless() of the id.
 */
enum rc container_write_headless_service(const char *id, const char *name, const struct container_owner *owner,
					 const cJSON *spec, struct buf *out, struct error *err) must_check;

/*
 * Add missing port names to an existing Service: Kubernetes requires them if there is more than one port. A single port
 * is not changed.
 *
 * Errors: RC_ALREADY_EXISTS duplicate name; RC_NO_MEMORY.
 */
enum rc container_write_port_names(cJSON *service, struct error *err) must_check;

/* Write the HorizontalPodAutoscaler of the hint `autoscale`. Its name is the id. */
enum rc container_write_autoscaler(const char *id, const char *name, const struct container_owner *owner,
				   const cJSON *spec, struct buf *out, struct error *err) must_check;

#endif
