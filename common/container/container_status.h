/*
 * The status of a container, as clients and DCM see it, and its names. How it is derived: container_state.h.
 */
#ifndef COMMON_CONTAINER_CONTAINER_STATUS_H
#define COMMON_CONTAINER_CONTAINER_STATUS_H

#include <stdbool.h>

enum container_status {
	CONTAINER_PENDING,
	CONTAINER_RUNNING,
	CONTAINER_FAILED,
	CONTAINER_UNKNOWN,
	CONTAINER_STOPPED,
	CONTAINER_DELETED
};

/* "PENDING", "RUNNING", "FAILED", "UNKNOWN", "STOPPED" or "DELETED". */
const char *container_status_name(enum container_status status);

/* The status of that name, if it is one that an existing container may have: not DELETED. */
bool container_status_from_name(const char *name, enum container_status *ret_status);

#endif
