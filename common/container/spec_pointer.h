/*
 * From a field of a Kubernetes object, as the API server names it in its complaints, to the place in the client's
 * request that it was made from.
 */
#ifndef COMMON_CONTAINER_SPEC_POINTER_H
#define COMMON_CONTAINER_SPEC_POINTER_H

#include "common/base/buf.h"

/*
 * Append the JSON pointer (RFC 6901) for a field path such as "spec.template.spec.containers[0].env[3].name":
 * "/spec/process/env/3/name". For a field that no part of the request decides: "".
 */
void spec_pointer_add(const char *field, struct buf *out);

#endif
