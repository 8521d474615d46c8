/*
 * The name of a container's Service.
 */
#ifndef COMMON_CONTAINER_SERVICE_NAME_H
#define COMMON_CONTAINER_SERVICE_NAME_H

#include "common/base/error.h"

#define SERVICE_NAME_MAX 64 /* bytes with the NUL; RFC 1035 label */

/*
 * Derive the name from the container's id. A Service's name must begin with a letter, an id may begin with a digit:
 *
 *   web              -> web             the id itself, whenever it can be
 *   7abc             -> s-7abc          it begins with a digit
 *   s-7abc           -> s-s-7abc        it looks like a derived name, so it gets one too
 *   (over 60 bytes,  -> s-0<60 hex>     as above, but too long for a prefix: a digest, 63 bytes
 *    as above)
 *
 * Injective: a derived name matches ^(s-)+[0-9], an id that does is never used as it is; and names with a prefix are at
 * most 62 bytes, names with a digest exactly 63 (those are as unique as 240 bits of SHA-256 are).
 *
 * id  a legal container id (1..63 of [a-z0-9-], no '-' at either end).
 * Errors: RC_INTERNAL when no digest can be made.
 */
enum rc service_name_derive(const char *id, char out[SERVICE_NAME_MAX], struct error *err) must_check;

#endif
