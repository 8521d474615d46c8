/*
 * undo: the response of a create was not delivered. Objects of a request without key are removed; those of a key become
 * owed again, so that a repeat with the key can find them.
 */
#include "kube-worker/operation/op.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "kube-worker/container/removal.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/debt/ledger.h"

#define TRIES_MAX 4 /* retries because of concurrent changes of the record */

/*
 * Make the debt void, so that it cannot be settled by a late attempt. Without JetStream there is no record to change,
 * and it is not needed: existing objects are removed by their token; objects created later have a mark, or a record
 * that sweepers see when JetStream recovers. The caller, which no longer has the call, replies CANCELLED to probes, and
 * grants no permission.
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
 * Only if the record is unchanged since the caller settled it: another request with the key may have been answered.
 * Without JetStream that is unknown, and the record would stay settled: the caller retries. A settled mark (no
 * sequence) has no information about other requests: it is kept, for a repeat or a DELETE.
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

/* With a key the id is optional. */
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
