/*
 * The debt of one attempt of a create (protocol.h, SETTLING 2 and 3): taken before the first write, described in the
 * reply, or the reason to take back what was made.
 */
#ifndef KUBE_WORKER_DEBT_CREATE_DEBT_H
#define KUBE_WORKER_DEBT_CREATE_DEBT_H

#include "kube-worker/container/root.h"

#define CREATE_DEBT_DIGEST_MAX 65 /* bytes of a digest with its NUL */

enum debt_kind {
	DEBT_NONE,   /* nothing is owed: the container is settled, or the caller is of v0.1 */
	DEBT_RECORD, /* in the ledger */
	DEBT_OBJECT, /* on the object: there is no JetStream */
};

struct create_debt {
	const char *token;
	const char *digest;           /* of the spec, for a request by key; else "" */
	char id[PROTOCOL_ID_MAX + 1]; /* the wanted one; the first request's, when any id will do */
	bool any_id;                  /* the client chose none */
	bool exists;                  /* a container with the token is there, under that id */
	enum debt_kind kind;
	uint64_t sequence;      /* DEBT_RECORD: of the record that is ours */
	char key[DEBT_KEY_MAX]; /* DEBT_RECORD */
	bool taken_over;        /* from an earlier attempt or an abandoned call: what carries the token is ours now */
};

/*
 * Is a repeated request the same? A digest of its spec as a value: the order of an object's members does not count.
 * Write hex(SHA-256) of the tree in a canonical form. Errors: RC_NO_MEMORY, RC_TOO_LARGE, RC_INTERNAL.
 */
enum rc create_debt_digest(const cJSON *spec, char out[CREATE_DEBT_DIGEST_MAX], struct error *err) must_check;

/* Was the container made by an Idempotency-Key? */
bool create_debt_is_by_key(const char *token);

/*
 * Get the live root of that id with the debt's token, as the API server has it now.
 *
 * root       cleared, then filled on RC_OK; root_clear() by the caller.
 * ret_dying  filled, also on RC_NOT_FOUND: there is one that is being deleted.
 * Errors: as root_find().
 */
enum rc create_debt_look(struct op_call *call, const struct create_debt *debt, const char *id, struct root *root,
			 bool *ret_dying, struct error *err) must_check;

/*
 * Get the permission to write, and the debt.
 *
 * debt  token, digest, id and any_id are set; exists: the cache shows a container with the token. The rest is filled.
 * root  zeroed. DEBT_NONE with a caller: filled with the container that has the token, which is settled; it is the
 *       result, nothing is to be written. root_clear() by the caller. Else it stays zeroed.
 * Errors: RC_CANCELLED (permission.h); RC_PENDING another request with the key is running; RC_KEY_REUSED the key was
 * used for another id or spec; RC_UNAVAILABLE JetStream does not answer; those of create_debt_look().
 * Blocks: two round trips over NATS in the usual case; else until the deadline at most.
 */
enum rc create_debt_take(struct op_call *call, struct create_debt *debt, struct root *root, struct error *err)
	must_check;

/* The container with the token exists although the debt was new: nothing is known of it, so nothing is owed. */
void create_debt_renounce(struct op_call *call, struct create_debt *debt);

/*
 * There is a root whose debt is in no record, or there are no records to look at. Whose is it? DEBT_NONE: it is
 * settled; DEBT_OBJECT: it is owed to this attempt now. A record that was taken for it says nothing of it, and ends.
 *
 * Errors, after which the debt is as it was: RC_PENDING its call runs; RC_NOT_FOUND it has changed or is gone;
 * RC_UNAVAILABLE its debt may be a record, which JetStream does not show now; else as op_kube_patch().
 */
enum rc create_debt_join_object(struct op_call *call, struct create_debt *debt, const struct root *root,
				struct error *err) must_check;

/* RC_KEY_REUSED when the container was made by this key from another spec, or under another id that matters. */
enum rc create_debt_check(const struct create_debt *debt, const char *id, const char *digest, struct error *err)
	must_check;

/* Write the reply's headers: how the caller settles the root with that uid. */
void create_debt_describe(struct op_call *call, const struct create_debt *debt, const char *uid);

/*
 * The attempt has failed, or has lost its permission: may it remove what it saw of the container before this call?
 *
 * uid      of the root that this attempt made; NULL: it made none for certain.
 * written  may anything have been made at all? If not, the debt is simply gone.
 */
bool create_debt_void(struct op_call *call, struct create_debt *debt, const char *uid, bool written);

#endif
