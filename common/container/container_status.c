#include "common/container/container_status.h"

#include <string.h>

#include "common/base/compiler.h"

static const char *const names[] = {
	[CONTAINER_PENDING] = "PENDING", [CONTAINER_RUNNING] = "RUNNING", [CONTAINER_FAILED] = "FAILED",
	[CONTAINER_UNKNOWN] = "UNKNOWN", [CONTAINER_STOPPED] = "STOPPED", [CONTAINER_DELETED] = "DELETED",
};

const char *container_status_name(enum container_status status)
{
	return names[status];
}

bool container_status_from_name(const char *name, enum container_status *ret_status)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (i == CONTAINER_DELETED || strcmp(names[i], name) != 0)
			continue;
		*ret_status = (enum container_status)i;
		return true;
	}
	return false;
}
