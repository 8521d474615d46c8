/*
 * The status of a container for clients and DCM, and its names. Derivation: container_state.h.
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

/* The status with that name, for an existing container: not DELETED. */
bool container_status_from_name(const char *name, enum container_status *ret_status);

#endif
