/*
 * The addresses of a container in DCM's events. Pure.
 */
#ifndef COMMON_CONTAINER_OUTPUT_SPEC_H
#define COMMON_CONTAINER_OUTPUT_SPEC_H

#include "common/base/buf.h"
#include "common/container/fact.h"

#define OUTPUT_SPEC_MAX (512u * 1024) /* bytes; further ports are omitted */

/*
 * Append {"namespace", "endpoints": [{"address", "port", "scope": "internal"|"external"}]}.
 *
 * internal  each port of the Service, at <service>.<namespace>.svc.
 * external  the external ports of the spec (all for a root of another program), once assigned: the load balancer's
 *           address, or the node port at the Pod's host.
 *
 * service   NULL: none, and no endpoints.
 * host_ip   of the node of the selected Pod; "": unknown.
 * Check the buffer for failure.
 */
void output_spec_write(const char *namespace, const struct fact *root, const struct fact *service, const char *host_ip,
		       struct buf *out);

#endif
