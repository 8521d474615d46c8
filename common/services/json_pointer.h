/*
 * JSON pointers (RFC 6901), composed from left to right.
 */
#ifndef COMMON_SERVICES_JSON_POINTER_H
#define COMMON_SERVICES_JSON_POINTER_H

#include "common/base/buf.h"

/* Append "/" and the name, escaped; or "/" and the index. */
void json_pointer_add_name(struct buf *pointer, const char *name);
void json_pointer_add_index(struct buf *pointer, size_t index);

#endif
