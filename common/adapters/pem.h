/*
 * PEM texts: do they contain what they should, before they are used. With crypto.h and tls_client.h the only
 * user of OpenSSL.
 */
#ifndef COMMON_ADAPTERS_PEM_H
#define COMMON_ADAPTERS_PEM_H

#include "common/base/error.h"

/*
 * Check that a text holds at least one certificate, and that all are valid. Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY.
 */
enum rc pem_check_certificates(const char *pem, struct error *err) must_check;

/*
 * Check that `key` is a private key without a passphrase, and that it belongs to the first certificate in
 * `certificates`. Errors: RC_INVALID_ARGUMENT, RC_NO_MEMORY. Messages do not contain either.
 */
enum rc pem_check_pair(const char *certificates, const char *key, struct error *err) must_check;

#endif
