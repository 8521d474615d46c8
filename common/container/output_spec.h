/*
 * Where a container is reached, as DCM's events tell it. Pure.
 */
#ifndef COMMON_CONTAINER_OUTPUT_SPEC_H
#define COMMON_CONTAINER_OUTPUT_SPEC_H

#include "common/base/buf.h"
#include "common/container/fact.h"

#define OUTPUT_SPEC_MAX (512u * 1024) /* bytes; of more ports than that holds, the first are told */

/*
 * Append {"namespace", "endpoints": [{"address", "port", "scope": "internal"|"external"}]}.
 *
 * internal  each port of the Service, at <service>.<namespace>.svc.
 * external  the ports that the client wrote as external (of a root that others made, all), once they are known: at the
 *           load balancer's address, or the node port at the Pod's host.
 *
 * service   NULL: there is none, and no endpoint.
 * host_ip   of the node of the Pod that speaks for the container; "": not known.
 * Failure is the buffer's.
 */
void output_spec_write(const char *namespace, const struct fact *root, const struct fact *service, const char *host_ip,
		       struct buf *out);

#endif
