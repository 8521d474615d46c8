/*
 * Identifiers that api-svc generates or accepts: request ids, container ids and creation tokens.
 */
#ifndef API_SVC_API_IDS_H
#define API_SVC_API_IDS_H

#include <stdbool.h>

#include "common/adapters/crypto.h"
#include "common/protocol.h"

/* Whether the client's X-Request-Id is valid: 1..PROTOCOL_REQUEST_ID_MAX visible ASCII characters. NULL: false. */
bool api_ids_is_request_id(const char *text);

/*
 * Whether text is a valid traceparent of W3C Trace Context (version 00, or the prefix of a later version), with nonzero
 * ids.
 */
bool api_ids_is_traceparent(const char *text);

/* The token of a create with this Idempotency-Key. Returns false if libcrypto fails. */
bool api_ids_key_token(const char *key, char out[PROTOCOL_TOKEN_MAX]) must_check;

/* The token of a create without a key: unique. */
bool api_ids_request_token(char out[PROTOCOL_TOKEN_MAX]) must_check;

/*
 * The id of a container that was created with this key and without an id: always the same for a provider and a key. A
 * UUID of version 8 (RFC 9562 section 5.8) from their SHA-256.
 */
bool api_ids_from_key(const char *provider, const char *key, char out[CRYPTO_UUID_MAX]) must_check;

#endif
