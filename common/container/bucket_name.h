/*
 * The name of the provider's key-value bucket, which has the records and debts.
 */
#ifndef COMMON_CONTAINER_BUCKET_NAME_H
#define COMMON_CONTAINER_BUCKET_NAME_H

#include "common/bus/bus_bucket.h"

/*
 * The bucket of a provider: unique per name, and always a valid bucket name. Its readable form is "k8s-container-sp-"
 * and the name as a token (protocol_write_token); for long names "__" and base64url, as no token begins with "__".
 */
void bucket_name_write(const char *provider_name, char out[BUS_BUCKET_MAX]);

#endif
