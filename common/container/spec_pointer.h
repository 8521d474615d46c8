/*
 * Maps a field of a Kubernetes object, as in error messages of the API server, to the location in the client's request.
 */
#ifndef COMMON_CONTAINER_SPEC_POINTER_H
#define COMMON_CONTAINER_SPEC_POINTER_H

#include "common/base/buf.h"

/*
 * Append the JSON pointer (RFC 6901) for a field path such as "spec.template.spec.containers[0].env[3].name":
 * "/spec/process/env/3/name". "" for a field that does not depend on the request.
 */
void spec_pointer_add(const char *field, struct buf *out);

#endif
