/*
 * The debt of one attempt of a create (protocol.h, SETTLING 2 and 3): taken before the first write, described in the
 * reply, or the reason to take back what was made.
 */
#ifndef KUBE_WORKER_CREATE_DEBT_H
#define KUBE_WORKER_CREATE_DEBT_H

#include "kube-worker/root.h"

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
	bool exists;                  /* a container with the token was seen */
	enum debt_kind kind;
	uint64_t sequence;      /* DEBT_RECORD: of the record that is ours */
	char key[DEBT_KEY_MAX]; /* DEBT_RECORD */
	bool taken_over;        /* from an earlier attempt or an abandoned call: what carries the token is ours now */
};

/* Was the container made by an Idempotency-Key? */
bool create_debt_is_by_key(const char *token);

/*
 * Get the permission to write, and the debt.
 *
 * debt  token, digest, id, any_id and exists are set; the rest is filled. DEBT_NONE with a caller: the container with
 *       the token is settled; it is the result, nothing is to be written.
 * Errors: RC_CANCELLED (permission.h); RC_PENDING another request with the key is running; RC_KEY_REUSED the key was
 * used for another id or spec; RC_UNAVAILABLE JetStream does not answer.
 * Blocks: two round trips over NATS in the usual case; else until the deadline at most.
 */
enum rc create_debt_take(struct op_call *call, struct create_debt *debt, struct error *err) must_check;

/* The container with the token exists although the debt was new: nothing is known of it, so nothing is owed. */
void create_debt_renounce(struct op_call *call, struct create_debt *debt);

/* Is a root's debt on itself, and whose? Then as create_debt_take() for a container that exists. */
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
