/*
 * PEM texts: do they contain what they should, before they are used. With crypto.h and tls_client.h the only
 * user of OpenSSL.
 */
#ifndef COMMON_ADAPTERS_PEM_H
#define COMMON_ADAPTERS_PEM_H

#include "common/base/error.h"

/*
 * Check that a text holds at least one certificate, and only such as can be read. Errors: RC_INVALID_ARGUMENT,
 * RC_NO_MEMORY.
 */
enum rc pem_check_certificates(const char *pem, struct error *err) must_check;

/*
 * Check that `key` is a private key without a passphrase, and that the first certificate in `certificates` is its own.
 * Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY. No message shows any of it.
 */
enum rc pem_check_pair(const char *certificates, const char *key, struct error *err) must_check;

#endif
