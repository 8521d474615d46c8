/*
 * The debt of an attempt of a create (protocol.h, SETTLING 2 and 3): stored before the first write, described in the
 * reply, and made void on failure.
 */
#ifndef KUBE_WORKER_DEBT_CREATE_DEBT_H
#define KUBE_WORKER_DEBT_CREATE_DEBT_H

#include "kube-worker/container/root.h"

#define CREATE_DEBT_DIGEST_MAX 65 /* bytes of a digest with its NUL */

enum debt_kind {
	DEBT_NONE,   /* none: the container is settled, or the caller is of v0.1 */
	DEBT_RECORD, /* in the ledger */
	DEBT_OBJECT, /* on the object: no JetStream */
};

struct create_debt {
	const char *token;
	const char *digest;           /* of the spec, for a request by key; else "" */
	char id[PROTOCOL_ID_MAX + 1]; /* the requested one; that of the first request, if any id is accepted */
	bool any_id;                  /* the client chose none */
	bool exists;                  /* a container with the token exists, with that id */
	enum debt_kind kind;
	uint64_t sequence;      /* DEBT_RECORD: of our record */
	char key[DEBT_KEY_MAX]; /* DEBT_RECORD */
	bool taken_over;        /* from an earlier attempt or an abandoned call: we own all objects with the token */
};

/*
 * Digest of a spec, to compare repeated requests, regardless of the order of members. Write hex(SHA-256) of the tree in
 * a canonical form. Errors: RC_NO_MEMORY, RC_TOO_LARGE, RC_INTERNAL.
 */
enum rc create_debt_digest(const cJSON *spec, char out[CREATE_DEBT_DIGEST_MAX], struct error *err) must_check;

/* Whether the container was created with an Idempotency-Key. */
bool create_debt_is_by_key(const char *token);

/*
 * Read the live root with that id and the debt's token from the API server.
 *
 * root       cleared, then filled on RC_OK; root_clear() by the caller.
 * ret_dying set, also on RC_NOT_FOUND: there is one being deleted.
 * Errors: as root_find().
 */
enum rc create_debt_look(struct op_call *call, const struct create_debt *debt, const char *id, struct root *root,
			 bool *ret_dying, struct error *err) must_check;

/*
 * Obtain the permission to write, and the debt.
 *
 * debt  token, digest, id and any_id are set; exists: a container with the token is in the cache. The rest is filled.
 * root  zeroed. DEBT_NONE with a caller: the settled container with the token, which is the result; nothing must be
 *       written. root_clear() by the caller. Else it stays zeroed.
 * Errors: RC_CANCELLED (permission.h); RC_PENDING another request with the key is running; RC_KEY_REUSED the key was
 * used for another id or spec; RC_UNAVAILABLE JetStream does not respond; those of create_debt_look().
 * Blocks: two round trips over NATS in the usual case; else until the deadline at most.
 */
enum rc create_debt_take(struct op_call *call, struct create_debt *debt, struct root *root, struct error *err)
	must_check;

/* The container with the token exists although the debt was new: its history is unknown, so it counts as settled. */
void create_debt_renounce(struct op_call *call, struct create_debt *debt);

/*
 * Determine the debt of a root without a record, or without readable records. DEBT_NONE: it is settled; DEBT_OBJECT:
 * this attempt has taken it over. A record stored for it becomes void.
 *
 * Errors, after which the debt is unchanged: RC_PENDING its call is running; RC_NOT_FOUND it has changed or was
 * deleted; RC_UNAVAILABLE its debt may be a record that JetStream cannot return now; else as op_kube_patch().
 */
enum rc create_debt_join_object(struct op_call *call, struct create_debt *debt, const struct root *root,
				struct error *err) must_check;

/* RC_KEY_REUSED if the container was created with this key from another spec, or with another id that was requested. */
enum rc create_debt_check(const struct create_debt *debt, const char *id, const char *digest, struct error *err)
	must_check;

/* Write the reply headers for settling the root with that uid. */
void create_debt_describe(struct op_call *call, const struct create_debt *debt, const char *uid);

/*
 * The attempt has failed, or lost its permission: returns whether it may remove the objects that it found before this
 * call.
 *
 * uid      of the root that this attempt created; NULL: certainly none.
 * written  whether anything may have been created. If not, the debt is removed.
 */
bool create_debt_void(struct op_call *call, struct create_debt *debt, const char *uid, bool written);

#endif
