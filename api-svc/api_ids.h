/*
 * Identifiers that api-svc makes or takes: of requests, of containers, and the tokens that say who made a container.
 */
#ifndef API_SVC_API_IDS_H
#define API_SVC_API_IDS_H

#include <stdbool.h>

#include "common/adapters/crypto.h"
#include "common/protocol.h"

/* Is the client's X-Request-Id usable: 1..PROTOCOL_REQUEST_ID_MAX visible ASCII characters? NULL: false. */
bool api_ids_is_request_id(const char *text);

/*
 * Whether text is a valid traceparent of W3C Trace Context (version 00, or the prefix of a later version), with nonzero
 * ids.
 */
bool api_ids_is_traceparent(const char *text);

/* The token of a create with this Idempotency-Key. False when libcrypto rejects. */
bool api_ids_key_token(const char *key, char out[PROTOCOL_TOKEN_MAX]) must_check;

/* The token of one create without a key: different each time. */
bool api_ids_request_token(char out[PROTOCOL_TOKEN_MAX]) must_check;

/*
 * The id of a container that was created with this key and without an id: the same each time for the same provider and
 * key. A UUID of version 8 (RFC 9562 section 5.8) made of their SHA-256.
 */
bool api_ids_from_key(const char *provider, const char *key, char out[CRYPTO_UUID_MAX]) must_check;

#endif
