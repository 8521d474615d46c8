#include "kube-worker/debt/debt_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/services/log.h"
#include "kube-worker/container/removal.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/debt/ledger.h"

#define GONE_PATIENCE_MS 5000  /* a caller may have lost NATS briefly; a worker may be settling for it */
#define KEY_PATIENCE_MS 30000  /* for a repeat with the same key */
#define SILENT_GRACE_MS 5000   /* after the deadline of a silent caller */
#define LEFT_UNKNOWN_MS 600000 /* assumed deadline of a marked object's call */
#define KEEP_MS 120000         /* of a finished record; no attempt runs beyond its deadline, see left_ms */
#define LATE_WRITE_MS 60000    /* Kubernetes' limit for a received request */
#define SYNC_PATIENCE_MS 5000  /* of a cache that was just started */
#define RESERVE_MS 2000        /* for the last debt of a sweep */

/* One debt: a record (by its key), or a marked object (by its uid). */
struct entry {
	char *key;
	bool is_object;
	bool seen; /* in the current turn */
	bool by_key;
	bool told; /* a marked object: its caller reported it as settled once */
	enum debt_state state;
	uint64_t sequence;
	char id[PROTOCOL_ID_MAX + 1];
	char uid[KUBE_UID_TEXT_MAX]; /* settled: the root to keep */
	int64_t since_ms;            /* monotonic; when this state was first seen */
	int64_t lost_since_ms;       /* when the call was first found finished, or the caller missing; 0: not */
	int64_t left_ms;
};

struct debt_list {
	size_t next;           /* start of the next sweep, modulo the count */
	struct entry *entries; /* by key */
	size_t count;
	size_t capacity;
};

bool debt_list_is_due(enum caller_word word, bool by_key, int64_t seen_ms, int64_t lost_ms, int64_t left_ms)
{
	switch (word) {
	case CALLER_OVER:
		return !by_key || lost_ms >= KEY_PATIENCE_MS;
	case CALLER_GONE:
		return lost_ms >= (by_key ? KEY_PATIENCE_MS : GONE_PATIENCE_MS);
	case CALLER_SILENT:
		return seen_ms >= (left_ms ? left_ms : LEFT_UNKNOWN_MS) + SILENT_GRACE_MS;
	case CALLER_OPEN:
	case CALLER_SETTLED:
		break;
	}
	return false;
}

enum rc debt_list_create(struct debt_list **ret_list, struct error *err)
{
	*ret_list = calloc(1, sizeof(**ret_list));
	return *ret_list ? RC_OK : error_no_memory(err);
}

void debt_list_destroy(struct debt_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].key);
	free(list->entries);
	free(list);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Among the sorted entries of the last turn. */
static struct entry *find_known(struct debt_list *list, size_t known, const char *key)
{
	struct entry wanted = { .key = (char *)(uintptr_t)key };

	return list->entries ? bsearch(&wanted, list->entries, known, sizeof(wanted), by_key) : NULL;
}

static struct entry *add_entry(struct debt_list *list, const char *key)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct entry *grown = realloc(list->entries, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		list->entries = grown;
		list->capacity = capacity;
	}
	list->entries[list->count] = (struct entry){ .key = str_dup(key), .since_ms = clock_mono_ms() };
	return list->entries[list->count].key ? &list->entries[list->count++] : NULL;
}

struct collection {
	struct debt_list *list;
	size_t known;
	const char *owed_to; /* of the current object */
};

/* If out of memory, a later turn adds it. */
static struct entry *note(struct collection *c, const char *key)
{
	struct entry *entry = find_known(c->list, c->known, key);

	if (!entry)
		entry = add_entry(c->list, key);
	if (entry)
		entry->seen = true;
	return entry;
}

static void note_record(void *ctx, const char *key)
{
	char prefix[DEBT_KEY_MAX];
	struct entry *entry = note(ctx, key);

	debt_key(PROTOCOL_TOKEN_KEY, prefix);
	if (entry)
		entry->by_key = str_has_prefix(key, prefix);
}

/* With the cache locked: collects only. */
static void note_objects(void *ctx, const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char uid[KUBE_UID_TEXT_MAX];
		struct entry *entry;

		if (!workload_is_root(facts[i]->kind) || facts[i]->deleting || !facts[i]->made_here ||
		    !permission_is_caller(facts[i]->owed_to))
			continue; /* not written by us */
		kube_uid_format(&facts[i]->uid, uid);
		entry = note(ctx, uid);
		if (!entry)
			continue;
		entry->is_object = true;
		snprintf(entry->id, sizeof(entry->id), "%s", facts[i]->name);
	}
}

static void forget_unseen(struct debt_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].seen)
			list->entries[kept++] = list->entries[i];
		else
			free(list->entries[i].key);
	}
	list->count = kept;
	if (kept)
		qsort(list->entries, kept, sizeof(*list->entries), by_key);
}

/* Returns false on failure; the list is unchanged. */
static bool collect(struct debt_list *list, struct op_call *call)
{
	struct collection c = { .list = list, .known = list->count };
	struct ledger *ledger = call->env->ledger;
	struct error err;
	enum rc rc;

	for (size_t i = 0; i < list->count; i++)
		list->entries[i].seen = false;
	rc = bus_bucket_keys(ledger->caller, ledger->bucket, DEBT_PATTERN, note_record, &c, &err);
	if (kube_cache_is_synced(call->env->cache, workload_root_kinds()))
		kube_cache_visit_all(call->env->cache, note_objects, &c);
	if (rc && rc != RC_NOT_FOUND && rc != RC_UNSUPPORTED) {
		log_debug("cannot list the debt records", log_err(&err));
		for (size_t i = 0; i < list->count; i++)
			list->entries[i].seen = true;
		return false;
	}
	forget_unseen(list);
	return true;
}

/* ---- acting ------------------------------------------------------------------------------------------------------ */

static int64_t lost_for_ms(struct entry *entry, enum caller_word word)
{
	if (word != CALLER_OVER && word != CALLER_GONE)
		entry->lost_since_ms = 0;
	else if (!entry->lost_since_ms)
		entry->lost_since_ms = clock_mono_ms();
	return entry->lost_since_ms ? clock_mono_ms() - entry->lost_since_ms : 0;
}

static bool is_due(struct entry *entry, enum caller_word word)
{
	int64_t lost_ms = lost_for_ms(entry, word);

	return debt_list_is_due(word, entry->by_key, clock_mono_ms() - entry->since_ms, lost_ms, entry->left_ms);
}

/* Whether there is a root of the debt's create that may have to be removed. */
struct sight {
	const struct entry *entry;
	uint64_t token; /* as in facts */
	bool seen;
};

static void look_for_other(void *ctx, const struct fact *const *facts, size_t count)
{
	struct sight *sight = ctx;
	char uid[KUBE_UID_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (!workload_is_root(facts[i]->kind) || facts[i]->token != sight->token ||
		    strcmp(facts[i]->name, sight->entry->id) != 0)
			continue;
		kube_uid_format(&facts[i]->uid, uid);
		sight->seen = sight->seen || strcmp(uid, sight->entry->uid) != 0;
	}
}

/* If the cache is not synced, which takes a moment after the start: whether that takes too long. */
static bool may_have_to_go(struct op_call *call, const struct entry *entry)
{
	struct sight sight = { .entry = entry, .token = fact_token_hash_of_key(entry->key) };

	if (!kube_cache_is_synced(call->env->cache, workload_root_kinds()))
		return clock_mono_ms() - entry->since_ms >= SYNC_PATIENCE_MS;
	kube_cache_visit(call->env->cache, entry->id, look_for_other, &sight);
	return sight.seen;
}

/* Whether the record has changed since it was read, or cannot be read. */
static bool has_changed(struct op_call *call, const struct entry *entry)
{
	struct ledger_entry record cleanup_ledger_entry = { 0 };

	return ledger_get(call->env->ledger, entry->key, &record, NULL) || record.sequence != entry->sequence;
}

/* Whether it belongs to the debt, and is not the root to keep. what: the entry. */
static bool must_go(const struct root *root, const void *what)
{
	const struct entry *entry = what;
	const char *token = root_token(root);
	char key[DEBT_KEY_MAX];

	if (!token || !root_has_record(root) || !root_is_live(root, entry->id))
		return false;
	debt_key(token, key);
	return strcmp(key, entry->key) == 0 && !str_equal(root_uid(root), entry->uid);
}

/*
 * Remove obsolete objects with the token: all for a void record, all but one for a settled one. They may have been
 * created just now by a delayed attempt. The record is read again after they were found: a later attempt takes over a
 * void record only if there are no objects, so they are not its own.
 */
static void remove_what_must_go(struct op_call *call, const struct entry *entry)
{
	struct root root cleanup_root = { 0 };
	struct undo_what what = { .id = entry->id, .by_record = true };
	struct error err;

	if (root_find(call, entry->id, must_go, entry, &root, &err) || has_changed(call, entry))
		return; /* none, or the next turn retries */
	what.token = root_token(&root);
	what.uid = root_uid(&root);
	if (removal_undo(call, &what, &err))
		log_warn("cannot remove an unsettled container yet", log_str("id", entry->id), log_err(&err));
	else
		log_warn("removed an unsettled container", log_str("id", entry->id));
}

static void make_void(struct op_call *call, struct entry *entry)
{
	struct debt value = { .state = DEBT_VOID, .id = entry->id, .left_ms = entry->left_ms };
	struct error err;
	enum rc rc = ledger_put(call->env->ledger, entry->key, &value, entry->sequence, &entry->sequence, &err);

	if (rc) { /* changed by another worker, or by its caller */
		log_debug("a debt record has changed", log_str("id", entry->id), log_err(&err));
		return;
	}
	entry->state = DEBT_VOID;
	entry->uid[0] = '\0';
	entry->since_ms = clock_mono_ms();
	remove_what_must_go(call, entry);
}

/* A finished record is kept until no attempt of its call can be running. */
static void guard(struct op_call *call, struct entry *entry)
{
	if (may_have_to_go(call, entry))
		remove_what_must_go(call, entry);
	if (clock_mono_ms() - entry->since_ms >= KEEP_MS + entry->left_ms)
		ledger_forget(call->env->ledger, entry->key, entry->sequence);
}

/* Always read again: a finished record may be changed by a new request with its key, or by an undo. */
static bool read_entry(struct op_call *call, struct entry *entry, struct ledger_entry *ret_record)
{
	struct error err;

	if (ledger_get(call->env->ledger, entry->key, ret_record, &err)) {
		log_debug("cannot read a debt record", log_str("key", entry->key), log_err(&err));
		return false;
	}
	if (ret_record->sequence == 0)
		return false;
	if (ret_record->sequence != entry->sequence) {
		entry->sequence = ret_record->sequence;
		entry->state = ret_record->debt.state;
		entry->since_ms = clock_mono_ms();
		entry->lost_since_ms = 0;
		entry->left_ms = ret_record->debt.left_ms;
		snprintf(entry->id, sizeof(entry->id), "%s", ret_record->debt.id);
		snprintf(entry->uid, sizeof(entry->uid), "%s", ret_record->debt.uid);
	}
	return true;
}

static void sweep_record(struct op_call *call, struct entry *entry)
{
	struct ledger_entry record cleanup_ledger_entry = { 0 };

	if (!read_entry(call, entry, &record))
		return;
	if (entry->state != DEBT_OWED)
		guard(call, entry);
	else if (is_due(entry, permission_probe(call->env->caller, record.debt.caller, "")))
		make_void(call, entry);
}

/*
 * A mark is reliable only if it can be written: a Role or a policy that denies it leaves it on settled containers. So
 * it is written again, unchanged, unless another attempt has taken it over.
 */
static enum rc remove_owed(struct op_call *call, const struct entry *entry, const struct root *root, struct error *err)
{
	const char *owed_to = root_owed_to(root);
	const struct undo_what what = {
		.id = entry->id,
		.token = root_token(root),
		.uid = entry->key,
		.owed_to = owed_to,
	};
	enum rc rc = root_mark_owed(call, root, owed_to, err);

	if (!rc)
		rc = removal_undo(call, &what, err);
	if (!rc)
		log_warn("removed an unsettled container", log_str("id", entry->id));
	return rc;
}

/*
 * A marked object. removal_undo() reads the mark once more after the caller was probed: a caller has it settled
 * before it forgets the call.
 */
static void sweep_object(struct op_call *call, struct entry *entry)
{
	const struct kube_uid uid = kube_uid_parse(entry->key);
	struct root root cleanup_root = { 0 };
	struct error err = { 0 };
	const char *owed_to;
	const char *token;
	enum caller_word word;
	enum rc rc = root_find(call, entry->id, root_has_uid, &uid, &root, &err);

	owed_to = root_owed_to(&root);
	token = root_token(&root);
	if (rc || !owed_to || !token)
		return;
	entry->by_key = create_debt_is_by_key(token);
	word = permission_probe(call->env->caller, owed_to, entry->key);
	entry->told = entry->told || word == CALLER_SETTLED;
	if (entry->told) /* the worker that should settle the mark has failed */
		rc = root_mark_settled(call, entry->id, entry->key, &err);
	else if (is_due(entry, word))
		rc = remove_owed(call, entry, &root, &err);
	if (rc)
		log_warn("cannot close a debt yet", log_str("id", entry->id), log_err(&err));
}

static bool is_urgent(const struct entry *entry)
{
	bool over = entry->state == DEBT_VOID || (entry->state == DEBT_SETTLED && !entry->by_key);

	return entry->is_object || (over && clock_mono_ms() - entry->since_ms < LATE_WRITE_MS);
}

/* A finished record that is kept only until no attempt of its call can be running. */
static bool is_quiet(const struct entry *entry)
{
	return !entry->is_object && entry->sequence && entry->state != DEBT_OWED && !is_urgent(entry);
}

bool debt_list_sweep(struct debt_list *list, struct op_call *call, bool all, const atomic_bool *stop)
{
	bool soon = false;

	if (!collect(list, call))
		return false;
	for (size_t i = 0; i < list->count && !atomic_load(stop); i++) {
		struct entry *entry;

		if (clock_mono_ms() >= call->deadline_ms - RESERVE_MS)
			return true; /* Kubernetes is slow: the next sweep continues here */
		entry = &list->entries[list->next++ % list->count];
		if (entry->is_object)
			sweep_object(call, entry);
		else if (all || !is_quiet(entry))
			sweep_record(call, entry);
		soon = soon || is_urgent(entry);
	}
	return soon;
}
