/*
 * From a container's spec, as the client wrote it, to Kubernetes objects. Pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_OBJECT_H
#define COMMON_CONTAINER_CONTAINER_OBJECT_H

#include "common/container/kube_facts.h"
#include "common/container/run_state.h"
#include "common/services/json_write.h"

#define CONTAINER_OBJECT_MAX (4u * 1024 * 1024) /* bytes of an object that we send */
#define CONTAINER_SKELETON_MAX (200u * 1024)    /* bytes; Kubernetes allows 256 KiB of annotations together */

/* Where a root comes from: its annotations. */
struct container_origin {
	const char *token;
	const char *attempt; /* NULL: not known */
	const char *digest;  /* "": none */
	bool owed;           /* to `attempt`; else its debt is a record */
};

/* The root that owns an object. It is named by the container's id. */
struct container_owner {
	enum kube_kind kind;
	const char *uid;
};

/*
 * Write the Deployment: named by the id, our three labels and the client's, one container, and annotations: its origin,
 * and what Kubernetes would not give back as it was written.
 *
 * spec    valid by the API's schema and rules; borrowed.
 * run     how it runs; NULL: as a new one (run_state_of_spec).
 * origin  NULL: not written, as of one that exists, which may lack what a new one must have.
 * Errors: RC_INVALID_ARGUMENT amounts that cannot be read, or provider_hints and ports that do not fit an annotation;
 * RC_TOO_LARGE, RC_NO_MEMORY.
 */
enum rc container_write_deployment(const char *id, const cJSON *spec, const struct run_state *run,
				   const struct container_origin *origin, struct buf *out, struct error *err)
	must_check;

/*
 * Write the StatefulSet: the same in another frame. Its Pods have the names <id>-0, <id>-1 and so on, and addresses
 * below the headless Service. Errors: as container_write_deployment(), RC_INTERNAL.
 */
enum rc container_write_statefulset(const char *id, const cJSON *spec, const struct run_state *run,
				    const struct container_origin *origin, struct buf *out, struct error *err)
	must_check;

/*
 * Write the Service: the ports that are not `none`, and an owner reference, so that it goes when its root goes.
 *
 * name           service_name_derive() of the id.
 * external_type  the type when any port is external; else ClusterIP.
 */
enum rc container_write_service(const char *id, const char *name, const struct container_owner *owner,
				const cJSON *spec, const char *external_type, struct buf *out, struct error *err)
	must_check;

/*
 * Write the headless Service of a StatefulSet, which gives each Pod its own address: <Pod>.<name>. It has no ports, and
 * says where Pods are also before they are ready, since they look for each other to become so.
 *
 * name  service_name_derive_headless() of the id.
 */
enum rc container_write_headless_service(const char *id, const char *name, const struct container_owner *owner,
					 const cJSON *spec, struct buf *out, struct error *err) must_check;

/*
 * Give the ports of a Service that exists a name where they need one: those of more than one port, as Kubernetes wants
 * it. A single port stays as it is. Nothing for what has no ports.
 *
 * Errors: RC_ALREADY_EXISTS two would have the same name; RC_NO_MEMORY.
 */
enum rc container_name_ports(cJSON *service, struct error *err) must_check;

/* Write the HorizontalPodAutoscaler that the hint `autoscale` asks for. It is named by the id. */
enum rc container_write_autoscaler(const char *id, const char *name, const struct container_owner *owner,
				   const cJSON *spec, struct buf *out, struct error *err) must_check;

#endif
