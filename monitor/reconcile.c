#include "monitor/reconcile.h"

#include <string.h>

#include "common/base/hash.h"
#include "common/base/strutil.h"
#include "common/container/output_spec.h"
#include "common/container/workload.h"

static bool is_own_name(const struct fact *root)
{
	return strcmp(root->name, root->instance_id) == 0;
}

/* Whether `a` takes precedence over `b`. */
static bool comes_first(const struct fact *a, const struct fact *b)
{
	if (a->deleting != b->deleting)
		return b->deleting;
	if (is_own_name(a) != is_own_name(b))
		return is_own_name(a);
	if (a->created_ms != b->created_ms)
		return a->created_ms < b->created_ms;
	return strcmp(a->name, b->name) != 0 ? strcmp(a->name, b->name) < 0 : a->kind < b->kind;
}

static const struct fact *find_root(const struct fact *const *facts, size_t count)
{
	const struct fact *found = NULL;

	for (size_t i = 0; i < count; i++)
		if (workload_is_root(facts[i]->kind) && (!found || comes_first(facts[i], found)))
			found = facts[i];
	return found;
}

uint64_t reconcile_digest(enum container_status status, const char *message)
{
	const unsigned char first = (unsigned char)status;

	return hash_text(hash_bytes(HASH_INIT, &first, 1), message);
}

void reconcile_seal(struct reconciled *reconciled)
{
	if (reconciled->status != CONTAINER_RUNNING)
		buf_clear(&reconciled->output);
	reconciled->digest = reconcile_digest(reconciled->status, reconciled->message);
	if (reconciled->output.len)
		reconciled->digest = hash_text(reconciled->digest, reconciled->output.data);
}

void reconciled_clear(struct reconciled *reconciled)
{
	buf_clear(&reconciled->output);
}

void reconcile(const struct fact *const *facts, size_t count, int64_t now_ms, const struct status_rules *rules,
	       const char *namespace, struct reconciled *ret_reconciled)
{
	const struct fact *root = find_root(facts, count);
	struct container_state state;

	*ret_reconciled = (struct reconciled){ .exists = root != NULL, .output = buf_make(OUTPUT_SPEC_MAX) };
	if (!root)
		return;
	state = container_state_derive(root, facts, count, now_ms, rules);
	ret_reconciled->unchanged = state.unchanged;
	ret_reconciled->podless = state.podless;
	ret_reconciled->status = state.status;
	ret_reconciled->recheck_ms = state.recheck_ms;
	ret_reconciled->kind = root->kind;
	snprintf(ret_reconciled->name, sizeof(ret_reconciled->name), "%s", root->name);
	snprintf(ret_reconciled->message, sizeof(ret_reconciled->message), "%s", state.message);
	str_trim_broken_utf8(ret_reconciled->message);
	if (namespace && state.status == CONTAINER_RUNNING)
		output_spec_write(namespace, root, workload_find(root, WORKLOAD_SERVICE, facts, count), state.host_ip,
				  &ret_reconciled->output);
	reconcile_seal(ret_reconciled);
}
