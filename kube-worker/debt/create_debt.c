#include "kube-worker/debt/create_debt.h"

#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/services/log.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/operation/permission.h"

#define SPEC_TEXT_MAX (8u * 1024 * 1024) /* bytes; above any request body */
#define TRIES_MAX 8                      /* retries because of concurrent changes of the record */
#define BUSY_PAUSE_MS 20                 /* while another change is pending in the NATS cluster */

enum rc create_debt_digest(const cJSON *spec, char out[CREATE_DEBT_DIGEST_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(SPEC_TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	enum rc rc = json_canonical(&w, NULL, spec, err);

	if (!rc)
		rc = buf_check(&text, err);
	if (!rc && !crypto_sha256_hex(text.data, text.len, CRYPTO_SHA256_SIZE, out))
		rc = error_set(err, RC_INTERNAL, "libcrypto cannot compute a digest");
	return rc;
}

bool create_debt_is_by_key(const char *token)
{
	return str_has_prefix(token, PROTOCOL_TOKEN_KEY);
}

enum rc create_debt_check(const struct create_debt *debt, const char *id, const char *digest, struct error *err)
{
	bool other_id = !debt->any_id && strcmp(id, debt->id) != 0;
	bool other_spec = digest && digest[0] && debt->digest[0] && strcmp(digest, debt->digest) != 0;

	if (!create_debt_is_by_key(debt->token) || (!other_id && !other_spec))
		return RC_OK;
	return error_set(err, RC_KEY_REUSED, "this Idempotency-Key was used for container '%s', with %s", id,
			 other_id ? "a request with that id" : "another body");
}

static enum rc pending(struct op_call *call, struct error *err)
{
	return error_set(err, call->caller ? RC_PENDING : RC_BUSY,
			 "the first request with this Idempotency-Key is still in progress");
}

static struct debt owed(const struct op_call *call, const struct create_debt *debt)
{
	return (struct debt){
		.state = DEBT_OWED,
		.id = debt->id,
		.caller = call->caller,
		.digest = debt->digest,
		.left_ms = call->deadline_ms - clock_mono_ms(),
	};
}

/* ---- an existing container --------------------------------------------------------------------------------------- */

struct sought {
	const char *id;
	const char *token;
	bool *dying;
};

static bool is_sought(const struct root *root, const void *what)
{
	const struct sought *sought = what;
	bool has_token = root_has_token(root, sought->token);
	bool live = has_token && root_is_live(root, sought->id);

	if (has_token && !live)
		*sought->dying = true;
	return live;
}

enum rc create_debt_look(struct op_call *call, const struct create_debt *debt, const char *id, struct root *root,
			 bool *ret_dying, struct error *err)
{
	const struct sought sought = { .id = id, .token = debt->token, .dying = ret_dying };

	*ret_dying = false;
	return root_find(call, id, is_sought, &sought, root, err);
}

static void use_id(struct create_debt *debt, const char *id)
{
	if (id != debt->id)
		snprintf(debt->id, sizeof(debt->id), "%s", id);
}

/* Use the existing container, if it matches the request; its origin is in its annotations. */
static enum rc join(struct op_call *call, struct create_debt *debt, const char *id, const struct root *root,
		    struct error *err)
{
	enum rc rc = create_debt_check(debt, id, root_annotation(root, ANNOTATION_DIGEST), err);

	if (rc)
		return rc;
	use_id(debt, id);
	debt->exists = true;
	if (!root_has_record(root))
		rc = create_debt_join_object(call, debt, root, err);
	return rc == RC_NOT_FOUND ? pending(call, err) : rc;
}

/* ---- an existing record ------------------------------------------------------------------------------------------ */

/* Take over the record. RC_CONFLICT: it has changed. */
static enum rc take_record(struct op_call *call, struct create_debt *debt, uint64_t last_sequence, bool taken_over,
			   struct error *err)
{
	struct debt value = owed(call, debt);
	enum rc rc = ledger_put(call->env->ledger, debt->key, &value, last_sequence, &debt->sequence, err);

	if (rc)
		return rc;
	debt->kind = DEBT_RECORD;
	debt->taken_over = taken_over;
	return RC_OK;
}

/* There is a container, but its record has expired. */
static enum rc on_none(struct op_call *call, struct create_debt *debt, const struct ledger_entry *entry unused,
		       struct root *root, struct error *err)
{
	bool dying = false;
	enum rc rc = RC_NOT_FOUND;

	if (debt->exists)
		rc = create_debt_look(call, debt, debt->id, root, &dying, err);
	if (rc == RC_NOT_FOUND)
		return dying ? pending(call, err) : take_record(call, debt, 0, false, err);
	return rc ? rc : join(call, debt, debt->id, root, err);
}

static enum rc on_owed(struct op_call *call, struct create_debt *debt, const struct ledger_entry *entry,
		       struct root *root unused, struct error *err)
{
	enum rc rc;

	if (permission_same_call(call->caller, entry->debt.caller))
		return take_record(call, debt, entry->sequence, true, err);
	rc = create_debt_check(debt, entry->debt.id, entry->debt.digest, err);
	if (rc)
		return rc;
	switch (permission_probe(call->env->caller, entry->debt.caller, "")) {
	case CALLER_OVER:
	case CALLER_GONE:
		use_id(debt, entry->debt.id);
		return take_record(call, debt, entry->sequence, true, err);
	case CALLER_OPEN:
	case CALLER_SETTLED:
	case CALLER_SILENT:
		break;
	}
	return pending(call, err);
}

/* The record is stored again, so that an earlier settlement can no longer be undone. */
static enum rc on_settled(struct op_call *call, struct create_debt *debt, const struct ledger_entry *entry,
			  struct root *root, struct error *err)
{
	uint64_t sequence;
	bool dying;
	enum rc rc;

	if (!create_debt_is_by_key(debt->token))
		return error_set(err, RC_CANCELLED, "the request was already answered");
	rc = create_debt_look(call, debt, entry->debt.id, root, &dying, err);
	if (rc == RC_NOT_FOUND) /* deleted in the meantime: the key is free again */
		return dying ? pending(call, err) : take_record(call, debt, entry->sequence, false, err);
	if (rc)
		return rc;
	if (!root_has_record(root))
		return join(call, debt, entry->debt.id, root, err);
	if (!str_equal(root_uid(root), entry->debt.uid)) /* created later, for another record; or to be removed */
		return pending(call, err);
	rc = join(call, debt, entry->debt.id, root, err);
	return rc ? rc : ledger_put(call->env->ledger, debt->key, &entry->debt, entry->sequence, &sequence, err);
}

static enum rc on_void(struct op_call *call, struct create_debt *debt, const struct ledger_entry *entry,
		       struct root *root, struct error *err)
{
	bool dying;
	enum rc rc = create_debt_look(call, debt, entry->debt.id, root, &dying, err);

	if (rc == RC_NOT_FOUND)
		return dying ? pending(call, err) : take_record(call, debt, entry->sequence, false, err);
	if (rc)
		return rc;
	return root_has_record(root) ? pending(call, err) : join(call, debt, entry->debt.id, root, err);
}

static enum rc take_by_record(struct op_call *call, struct create_debt *debt, struct root *root, struct error *err)
{
	static enum rc (*const handlers[])(struct op_call * call, struct create_debt * debt,
					   const struct ledger_entry *entry, struct root *root, struct error *err) = {
		[DEBT_OWED] = on_owed,
		[DEBT_SETTLED] = on_settled,
		[DEBT_VOID] = on_void,
	};
	struct ledger_entry entry cleanup_ledger_entry = { 0 };
	enum rc rc = permission_hold(call, err);

	if (!rc)
		rc = ledger_get(call->env->ledger, debt->key, &entry, err);
	if (rc)
		return rc;
	return entry.sequence ? handlers[entry.debt.state](call, debt, &entry, root, err)
			      : on_none(call, debt, &entry, root, err);
}

/* ---- taking a debt ----------------------------------------------------------------------------------------------- */

/*
 * The usual case: the token is new, and permission and record are requested concurrently. RC_CONFLICT: there is a
 * record.
 */
static enum rc take_new(struct op_call *call, struct create_debt *debt, struct error *err)
{
	struct debt value = owed(call, debt);
	struct bus_pending permission;
	struct ledger_put put;
	struct error put_error;
	bool putting;
	enum rc put_rc;
	enum rc rc = permission_begin(call, &permission, err);

	if (rc)
		return rc;
	put_rc = ledger_put_begin(call->env->ledger, debt->key, &value, 0, &put, &put_error);
	putting = put_rc == RC_OK;
	rc = permission_end(call, &permission, err);
	if (putting)
		put_rc = ledger_put_end(call->env->ledger, &put, &debt->sequence, &put_error);
	if (rc && !put_rc)
		ledger_forget(call->env->ledger, debt->key, debt->sequence);
	if (rc)
		return rc;
	if (put_rc)
		*err = put_error;
	else
		debt->kind = DEBT_RECORD;
	return put_rc;
}

/* A container with a record may be unsettled, and would be removed after a successful response. */
static enum rc record_is_hidden(struct error *err)
{
	return error_set(err, RC_UNAVAILABLE, "JetStream, which may have the record of this container, is unavailable");
}

static enum rc without_record(struct create_debt *debt, struct error *err)
{
	if (debt->exists)
		return record_is_hidden(err);
	debt->kind = DEBT_OBJECT;
	return RC_OK;
}

/* Whether JetStream may have a record with the token, although it rejects new ones; reads may still work. */
static bool may_have_record(struct op_call *call, const struct create_debt *debt)
{
	struct ledger_entry entry cleanup_ledger_entry = { 0 };
	struct error err;

	if (ledger_get(call->env->ledger, debt->key, &entry, &err))
		return call->attempt > 1 || create_debt_is_by_key(debt->token);
	return entry.sequence != 0;
}

/* Another request has changed the record, or is changing it. */
static bool is_passing(enum rc rc)
{
	return rc == RC_CONFLICT || rc == RC_BUSY;
}

/*
 * Verify that the container in the cache exists. *ret_joined: its debt is not a record, and known now.
 */
static enum rc look_at_seen(struct op_call *call, struct create_debt *debt, struct root *root, bool *ret_joined,
			    struct error *err)
{
	bool dying;
	enum rc rc = permission_hold(call, err);

	if (!rc)
		rc = create_debt_look(call, debt, debt->id, root, &dying, err);
	debt->exists = !rc;
	*ret_joined = !rc && !root_has_record(root);
	if (rc == RC_NOT_FOUND)
		return dying ? pending(call, err) : RC_OK;
	return *ret_joined ? join(call, debt, debt->id, root, err) : rc;
}

static enum rc take(struct op_call *call, struct create_debt *debt, struct root *root, struct error *err)
{
	bool perhaps_stored = false;
	bool joined = false;
	enum rc rc = RC_CONFLICT;

	debt->kind = DEBT_NONE;
	if (!call->caller)
		return RC_OK;
	debt_key(debt->token, debt->key);
	if (debt->exists) {
		rc = look_at_seen(call, debt, root, &joined, err);
		if (rc || joined)
			return rc;
		rc = RC_CONFLICT;
	}
	if (!debt->exists)
		rc = take_new(call, debt, err);
	/*
	 * RC_TIMEOUT: it may have been stored (leader election); RC_NOT_FOUND: no bucket.
	 */
	for (int i = 0; i < TRIES_MAX && (is_passing(rc) || rc == RC_TIMEOUT || rc == RC_NOT_FOUND); i++) {
		clock_sleep_ms(rc == RC_BUSY ? BUSY_PAUSE_MS : 0);
		perhaps_stored = perhaps_stored || rc == RC_TIMEOUT;
		rc = clock_mono_ms() < call->deadline_ms ? take_by_record(call, debt, root, err) : RC_TIMEOUT;
	}
	if (rc == RC_TIMEOUT)
		return error_set(err, RC_UNAVAILABLE, "JetStream does not respond; nothing was created");
	if (is_passing(rc))
		return pending(call, err);
	if (rc != RC_UNSUPPORTED && rc != RC_UNAVAILABLE)
		return rc;
	if (perhaps_stored || (rc == RC_UNAVAILABLE && may_have_record(call, debt)))
		return error_wrap(err, RC_UNAVAILABLE, "JetStream rejected the record of this create");
	if (rc == RC_UNAVAILABLE)
		log_warn("JetStream rejected the record of a create; marking the object instead", log_err(err));
	rc = permission_hold(call, err);
	return rc ? rc : without_record(debt, err);
}

enum rc create_debt_take(struct op_call *call, struct create_debt *debt, struct root *root, struct error *err)
{
	enum rc rc = take(call, debt, root, err);

	if (rc || debt->kind != DEBT_NONE)
		root_clear(root);
	return rc;
}

void create_debt_renounce(struct op_call *call, struct create_debt *debt)
{
	if (debt->kind == DEBT_RECORD)
		ledger_forget(call->env->ledger, debt->key, debt->sequence);
	debt->kind = DEBT_NONE;
}

/*
 * The object's mark decides: its record becomes void, and is kept only for objects of an earlier caller.
 */
static void change_kind(struct op_call *call, struct create_debt *debt, enum debt_kind kind)
{
	if (debt->kind == DEBT_RECORD)
		(void)create_debt_void(call, debt, NULL, debt->taken_over);
	debt->kind = kind;
}

enum rc create_debt_join_object(struct op_call *call, struct create_debt *debt, const struct root *root,
				struct error *err)
{
	const char *caller = root_owed_to(root);
	enum rc rc = RC_OK;

	if (root_has_record(root))
		return record_is_hidden(err);
	if (!caller) {
		change_kind(call, debt, DEBT_NONE);
		return RC_OK;
	}
	if (!permission_same_call(call->caller, caller)) {
		switch (permission_probe(call->env->caller, caller, root_uid(root))) {
		case CALLER_SETTLED:
			change_kind(call, debt, DEBT_NONE);
			return RC_OK;
		case CALLER_OVER:
		case CALLER_GONE:
			break;
		case CALLER_OPEN:
		case CALLER_SILENT:
			return pending(call, err);
		}
	}
	/* Also from an earlier attempt of the call, which removes only its own objects. */
	if (strcmp(caller, call->caller) != 0)
		rc = root_mark_owed(call, root, call->caller, err);
	if (rc)
		return rc;
	change_kind(call, debt, DEBT_OBJECT);
	debt->taken_over = true;
	return RC_OK;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

void create_debt_describe(struct op_call *call, const struct create_debt *debt, const char *uid)
{
	struct buf value cleanup_buf = buf_make(PROTOCOL_SETTLE_MAX);
	struct debt settled = { .state = DEBT_SETTLED, .id = debt->id, .uid = uid, .digest = debt->digest };

	if (debt->kind == DEBT_NONE)
		return;
	debt_write(&settled, &value); /* always fits: id, uid and digest are limited */
	snprintf(call->settle, sizeof(call->settle), "%s", value.data);
	if (debt->kind == DEBT_OBJECT)
		snprintf(call->debt, sizeof(call->debt), "%s", PROTOCOL_DEBT_OBJECT);
	else
		snprintf(call->debt, sizeof(call->debt), "%llu %s", (unsigned long long)debt->sequence, debt->key);
}

/* The record is no longer ours. Its state for the token decides about our root. */
static bool right_beside_others(struct op_call *call, const struct create_debt *debt, const char *uid)
{
	struct ledger_entry entry cleanup_ledger_entry = { 0 };
	struct error err;

	if (!uid)
		return false;
	if (ledger_get(call->env->ledger, debt->key, &entry, &err)) {
		log_warn("cannot decide about the objects of a late attempt yet", log_str("id", debt->id),
			 log_err(&err));
		return false;
	}
	if (entry.sequence == 0 || entry.debt.state == DEBT_OWED)
		return false;
	return entry.debt.state != DEBT_SETTLED || !str_equal(entry.debt.uid, uid);
}

static bool void_record(struct op_call *call, struct create_debt *debt, const char *uid)
{
	struct debt value = { .state = DEBT_VOID, .id = debt->id, .left_ms = call->deadline_ms - clock_mono_ms() };
	struct error err;
	enum rc rc = ledger_put(call->env->ledger, debt->key, &value, debt->sequence, &debt->sequence, &err);

	if (rc == RC_OK)
		return true;
	if (rc == RC_CONFLICT)
		return right_beside_others(call, debt, uid);
	log_warn("cannot mark a failed create as void; the sweeper will", log_str("id", debt->id), log_err(&err));
	return false;
}

/* Without a record the caller decides: the attempt with its permission is responsible. */
static bool right_by_caller(struct op_call *call, const char *uid)
{
	if (!uid)
		return false;
	call->permitted_until_ms = 0;
	if (permission_hold(call, NULL) == RC_OK)
		return true;
	return permission_probe(call->env->caller, call->caller, uid) == CALLER_OVER;
}

bool create_debt_void(struct op_call *call, struct create_debt *debt, const char *uid, bool written)
{
	if (!written && !debt->taken_over) {
		create_debt_renounce(call, debt);
		return false;
	}
	switch (debt->kind) {
	case DEBT_RECORD:
		return void_record(call, debt, uid);
	case DEBT_OBJECT:
		return right_by_caller(call, uid);
	case DEBT_NONE:
		break;
	}
	return uid && !call->caller;
}
