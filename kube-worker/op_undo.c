/*
 * undo: the client of a create was not told of it. What a request made is removed; what a key made is owed again, so
 * that a repeat of the key still finds it.
 */
#include "kube-worker/operation/op.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/container/removal.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/debt/ledger.h"

#define TRIES_MAX 4 /* each time that an attempt which ends changes the record */

/*
 * From now on it cannot be settled: a late attempt finds that it is void. Without JetStream there is nothing to mark,
 * and nothing is left by that: what is there is removed by its token, whatever its debt; what comes into being later is
 * owed by its mark, or by its record, which the sweepers see when JetStream is back. Our caller, who has no such call
 * any more, has only CANCELLED to say of both, and gives no permission.
 */
static enum rc mark_void(struct op_call *call, const char *id, const char *key, struct error *err)
{
	struct debt value = { .state = DEBT_VOID, .id = id, .left_ms = call->deadline_ms - clock_mono_ms() };
	enum rc rc = RC_CONFLICT;

	for (int i = 0; i < TRIES_MAX && rc == RC_CONFLICT; i++) {
		struct ledger_entry entry cleanup_ledger_entry = { 0 };
		uint64_t sequence;

		rc = ledger_get(call->env->ledger, key, &entry, err);
		if (!rc)
			rc = ledger_put(call->env->ledger, key, &value, entry.sequence, &sequence, err);
	}
	return rc == RC_UNSUPPORTED ? RC_OK : rc;
}

/*
 * Only if nothing has happened since the caller settled it: another request by the key may have been answered. Without
 * JetStream that is not known, and the record would be settled for good: the caller asks again. A settled mark (no
 * sequence) tells nothing of other requests at all: it stays, as the key's, for a repeat or a DELETE.
 */
static enum rc unsettle(struct op_call *call, const char *key, uint64_t sequence, struct error *err)
{
	struct ledger_entry entry cleanup_ledger_entry = { 0 };
	struct debt owed;
	enum rc rc;

	if (sequence == 0)
		return RC_OK;
	rc = ledger_get(call->env->ledger, key, &entry, err);
	if (rc || entry.sequence != sequence || entry.debt.state != DEBT_SETTLED)
		return rc;
	owed = entry.debt;
	owed.state = DEBT_OWED;
	owed.uid = "";
	rc = ledger_put(call->env->ledger, key, &owed, sequence, &sequence, err);
	return rc == RC_CONFLICT ? RC_OK : rc;
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result unused, struct error *err)
{
	const char *id = json_string_at(request, "id");
	const char *token = json_string_at(request, "token");
	char key[DEBT_KEY_MAX];
	enum rc rc;

	debt_key(token, key);
	if (create_debt_is_by_key(token))
		return unsettle(call, key, (uint64_t)json_int_at(request, "sequence", 0), err);
	rc = mark_void(call, id, key, err);
	return rc ? rc : removal_undo(call, &(struct undo_what){ .id = id, .token = token }, err);
}

/* By key the id need not be known. */
static bool is_id_or_empty(const char *text)
{
	return !text[0] || protocol_is_id(text);
}

static enum rc check(const cJSON *request, struct error *err)
{
	if (!json_string_at(request, "id")[0] && !str_has_prefix(json_string_at(request, "token"), PROTOCOL_TOKEN_KEY))
		return error_set(err, RC_INTERNAL, "an undo request without id, and not by key");
	return RC_OK;
}

static const struct request_member members[] = {
	{ .name = "id", .required = true, .type = request_member_is_text, .valid = is_id_or_empty, .form = "an id" },
	{ .name = "token",
	  .required = true,
	  .type = request_member_is_text,
	  .valid = protocol_is_create_token,
	  .form = "a creation token" },
	{ .name = "sequence", .type = request_member_is_int, .max = INT64_MAX, .form = "a whole number" },
};

const struct op op_undo = { .run = run, .members = members, .member_count = ARRAY_LEN(members), .check = check };
