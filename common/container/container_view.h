/*
 * From Kubernetes objects to the Container that clients see. Pure.
 */
#ifndef COMMON_CONTAINER_CONTAINER_VIEW_H
#define COMMON_CONTAINER_CONTAINER_VIEW_H

#include "common/container/container_status.h"
#include "common/container/service_view.h"
#include "common/services/json_write.h"

#define CONTAINER_IP_MAX 64
#define CONTAINER_MESSAGE_MAX 256

/* What a Container shows beside its Deployment; owns its texts. */
struct container_extras {
	enum container_status status;
	int64_t changed_ms;
	char ip[CONTAINER_IP_MAX];
	char message[CONTAINER_MESSAGE_MAX]; /* for people; "" when there is nothing to say */
	struct buf service;                  /* JSON, empty: there is no Service */
};

struct container_extras container_extras_make(void);
void container_extras_clear(struct container_extras *extras);
#define cleanup_container_extras cleanup_with(container_extras_clear)

/*
 * Write the Container. What the client wrote comes back as it was written for as long as the cluster holds an equal
 * value; what was changed in the cluster shows as it is; what is missing in a Deployment that others made is left out.
 */
void container_view_write(struct json_writer *w, const cJSON *deployment, const struct container_extras *extras);

#endif
