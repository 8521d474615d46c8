/*
 * The ports of a container's spec: their visibility. Shared by everything that creates or checks a Service.
 */
#ifndef COMMON_CONTAINER_SPEC_PORTS_H
#define COMMON_CONTAINER_SPEC_PORTS_H

#include "common/services/json.h"

#define PORT_PROTOCOL_DEFAULT "TCP" /* the default of the API and of Kubernetes */

/* The protocol of a port, in a spec or an object. */
const char *spec_port_protocol(const cJSON *port);

/* Whether the port is reachable from outside the cluster. */
bool spec_port_is_external(const cJSON *port);

/* Whether it is part of the Service: its visibility is internal or external. */
bool spec_port_is_exposed(const cJSON *port);

/* Whether any port of the spec satisfies the test. */
bool spec_ports_any(const cJSON *spec, bool (*test)(const cJSON *port));

/* Whether the spec requires a Service: any of its ports is exposed. */
bool spec_ports_want_service(const cJSON *spec);

#endif
