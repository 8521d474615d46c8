/*
 * A Kubernetes Service as our clients see it.
 */
#ifndef COMMON_CONTAINER_SERVICE_VIEW_H
#define COMMON_CONTAINER_SERVICE_VIEW_H

#include "common/services/json_write.h"

#define SERVICE_VIEW_MAX (8u * 1024 * 1024) /* bytes; every port there is takes 5 MB */

/*
 * Write {name, type, cluster_ip, external_ip, ports: [{port, target_port, protocol, node_port?}]}. What the object
 * lacks is left out; external_ip is the load balancer's address, or its host name where the provider gives names.
 */
void service_view_write(const cJSON *service, struct json_writer *w, const char *key);

#endif
