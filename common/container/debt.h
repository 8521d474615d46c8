/*
 * The debt of a create (protocol.h, SETTLING): keys and values of its record in the provider's bucket. Pure.
 */
#ifndef COMMON_CONTAINER_DEBT_H
#define COMMON_CONTAINER_DEBT_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/services/json.h"

#define DEBT_KEY_MAX 320    /* bytes of a key with its NUL: a token, encoded threefold */
#define DEBT_VALUE_MAX 1024 /* bytes of a value */
#define DEBT_PATTERN "owed.*"

enum debt_state {
	DEBT_OWED,    /* an attempt is writing, or has written; no response was sent */
	DEBT_SETTLED, /* the response was sent, or is about to be */
	DEBT_VOID,    /* no response will be sent: all objects with the token are removed */
};

struct debt {
	enum debt_state state;
	const char *id;     /* of the container */
	const char *uid;    /* settled: of its root; else "" */
	const char *caller; /* owed: the reply subject for probes of the call; else "" */
	const char *digest; /* of the spec, for requests by key; else "" */
	int64_t left_ms;    /* owed: time to the call's deadline when the record was written */
};

/* The key of the record of a create token. */
void debt_key(const char *token, char out[DEBT_KEY_MAX]);

/* Whether it is a key of the form that debt_key() writes. For keys from other processes. */
bool debt_is_key(const char *text);

/*
 * Parse the header that identifies a record, "<sequence> <key>" (protocol.h, SETTLING 2 and 5). NULL is allowed.
 * Returns false if invalid; *ret_sequence and key are then untouched.
 */
bool debt_read_reference(const char *text, uint64_t *ret_sequence, char key[DEBT_KEY_MAX]);

/* Append the value. Check the buffer for failure. */
void debt_write(const struct debt *debt, struct buf *out);

/*
 * Read a value.
 *
 * ret_tree  owned by the caller (cJSON_Delete); it owns the strings of ret_debt.
 * Errors: RC_INVALID_ARGUMENT not in the form of debt_write(). left_ms is limited to PROTOCOL_DEADLINE_MAX_MS.
 */
enum rc debt_read(const char *text, size_t len, cJSON **ret_tree, struct debt *ret_debt, struct error *err) must_check;

#endif
