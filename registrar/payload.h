/*
 * Body and URL of the registration. Pure.
 *
 * Source: DCM's service provider manager, POST /providers: creates or updates the provider with that name.
 */
#ifndef REGISTRAR_PAYLOAD_H
#define REGISTRAR_PAYLOAD_H

#include "common/base/buf.h"
#include "common/resource.h"
#include "registrar/config.h"

#define PAYLOAD_MAX (64u * 1024) /* bytes of a body, and of a URL */

/*
 * Append the JSON body; display_name, metadata and its members only if set. Check `out` for failure.
 * type  of the resources that the provider manages.
 */
void payload_write(const struct registrar_config *config, enum resource_type type, struct buf *out);

/*
 * Append the URL to post to: <registration URL>/providers, without doubled slashes. May contain a password: must not be
 * logged.
 */
void payload_write_url(const struct registrar_config *config, struct buf *out);

/* Append a URL without user and password, for display. */
void payload_write_shown(const char *url, struct buf *out);

#endif
