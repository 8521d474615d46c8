/*
 * The name of the provider's key-value bucket, in which records and debts are kept.
 */
#ifndef COMMON_CONTAINER_BUCKET_NAME_H
#define COMMON_CONTAINER_BUCKET_NAME_H

#include "common/bus/bus_bucket.h"

/*
 * The bucket of a provider: different for different names, and always a legal bucket name. Its readable form is
 * "k8s-container-sp-" and the name as a token (protocol_write_token); for names that would become too long, "__" and
 * base64url, which no token begins with.
 */
void bucket_name_write(const char *provider_name, char out[BUS_BUCKET_MAX]);

#endif
