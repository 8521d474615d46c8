/*
 * A Kubernetes Service as shown to clients.
 */
#ifndef COMMON_CONTAINER_SERVICE_VIEW_H
#define COMMON_CONTAINER_SERVICE_VIEW_H

#include "common/services/json_write.h"

#define SERVICE_VIEW_MAX (8u * 1024 * 1024) /* bytes; all possible ports take 5 MB */

/*
 * Write {name, type, cluster_ip, external_ip, ports: [{port, target_port, protocol, node_port?}]}. Missing members are
 * omitted; external_ip is the load balancer's address or host name.
 */
void service_view_write(const cJSON *service, struct json_writer *w, const char *key);

#endif
