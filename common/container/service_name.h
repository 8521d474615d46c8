/*
 * The names of a container's Services.
 */
#ifndef COMMON_CONTAINER_SERVICE_NAME_H
#define COMMON_CONTAINER_SERVICE_NAME_H

#include <stdbool.h>

#include "common/base/error.h"

#define SERVICE_NAME_MAX 64 /* bytes with the NUL; RFC 1035 label */

/*
 * Derive the name from the container's id. A Service's name must begin with a letter, an id may begin with a digit:
 *
 *   web              -> web             the id itself, if possible
 *   7abc             -> s-7abc          it begins with a digit
 *   s-7abc           -> s-s-7abc        it has the form of a derived name
 *   (over 60 bytes,  -> s-0<60 hex>     as above, but too long for a prefix: a digest, 63 bytes
 *    as above)
 *
 * Injective: a derived name matches ^(s-)+[0-9], an id that does is never used unchanged; and names with a prefix have
 * at most 62 bytes, names with a digest exactly 63 (240 bits of SHA-256).
 *
 * id a valid container id (1..63 of [a-z0-9-], no '-' at either end).
 * Errors: RC_INTERNAL the digest failed.
 */
enum rc service_name_derive(const char *id, char out[SERVICE_NAME_MAX], struct error *err) must_check;

/*
 * Derive the name of the headless Service of the same container: s-1<60 hex>, a digest of the id. It has 63 bytes and
 * begins with s-1 instead of s-0: so it never equals a name above.
 *
 * Errors: RC_INTERNAL the digest failed.
 */
enum rc service_name_derive_headless(const char *id, char out[SERVICE_NAME_MAX], struct error *err) must_check;

/* Whether it has the form of service_name_derive_headless(), which service_name_derive() never returns. */
bool service_name_is_headless(const char *name);

#endif
