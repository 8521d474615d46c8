#include "common/container/run_state.h"

#include "common/base/strutil.h"
#include "common/container/labels.h"

#define HINTS "provider_hints"
#define KUBERNETES "kubernetes"
#define REPLICAS "replicas"

/* ---- in the spec ------------------------------------------------------------------------------------------------- */

static bool read_replicas(const cJSON *kubernetes, int64_t *ret_replicas)
{
	int64_t replicas;

	/* Older stored hints were not validated. */
	if (!json_is_int(json_get(kubernetes, REPLICAS), &replicas) || replicas < 0 || replicas > REPLICAS_MAX)
		return false;
	*ret_replicas = replicas;
	return true;
}

bool spec_replicas(const cJSON *spec, int64_t *ret_replicas)
{
	return read_replicas(json_at(spec, HINTS "." KUBERNETES), ret_replicas);
}

bool spec_wants_autoscaler(const cJSON *spec)
{
	int64_t max;

	return json_is_int(json_at(spec, HINTS "." KUBERNETES ".autoscale.max"), &max) && max >= 1 &&
	       max <= REPLICAS_MAX;
}

static cJSON *object_in(cJSON *parent, const char *name)
{
	cJSON *object = json_get(parent, name);

	if (cJSON_IsObject(object))
		return object;
	cJSON_DeleteItemFromObjectCaseSensitive(parent, name);
	return cJSON_AddObjectToObject(parent, name);
}

static bool set_replicas(cJSON *kubernetes, int64_t replicas)
{
	cJSON *number = cJSON_CreateNumber((double)replicas);
	bool there = json_get(kubernetes, REPLICAS);

	if (number && (there ? cJSON_ReplaceItemInObjectCaseSensitive(kubernetes, REPLICAS, number)
			     : cJSON_AddItemToObject(kubernetes, REPLICAS, number)))
		return true;
	cJSON_Delete(number);
	return false;
}

bool spec_set_replicas(cJSON *spec, int64_t replicas)
{
	return set_replicas(object_in(object_in(spec, HINTS), KUBERNETES), replicas);
}

/* ---- of a container ---------------------------------------------------------------------------------------------- */

struct run_state run_state_of_spec(const cJSON *spec)
{
	struct run_state state = { .replicas = 1, .kept = RUN_STATE_RUNS };

	if (spec_replicas(spec, &state.replicas) && state.replicas == 0)
		state.kept = 0;
	return state;
}

struct run_state run_state_read(const cJSON *root)
{
	const cJSON *annotations = json_at(root, "metadata.annotations");
	const char *kept = cJSON_GetStringValue(json_get(annotations, ANNOTATION_STOPPED));
	struct run_state state = {
		.replicas = json_int_at(root, "spec.replicas", 1),
		.kept = RUN_STATE_RUNS,
		.restarted = cJSON_GetStringValue(
			json_get(json_at(root, "spec.template.metadata.annotations"), ANNOTATION_RESTARTED)),
		.change = cJSON_GetStringValue(json_get(annotations, ANNOTATION_CHANGE)),
	};

	if (kept && (!str_parse_int64(kept, &state.kept) || state.kept < 0 || state.kept > REPLICAS_MAX))
		state.kept = RUN_STATE_RUNS;
	return state;
}

bool run_state_is_stopped(const struct run_state *state)
{
	return state->replicas == 0 && state->kept != RUN_STATE_RUNS;
}

bool run_state_stop_is_over(const struct run_state *state)
{
	return state->replicas > 0 && state->kept != RUN_STATE_RUNS;
}

void run_state_stop(struct run_state *state)
{
	if (run_state_is_stopped(state))
		return;
	state->kept = state->replicas;
	state->replicas = 0;
}

void run_state_start(struct run_state *state)
{
	if (state->replicas == 0)
		state->replicas = state->kept > 0 ? state->kept : 1;
	state->kept = RUN_STATE_RUNS;
}

void run_state_scale(struct run_state *state, int64_t replicas)
{
	if (replicas == 0) {
		run_state_stop(state);
		return;
	}
	state->replicas = replicas;
	state->kept = RUN_STATE_RUNS;
}

void run_state_follow(struct run_state *state, const cJSON *old_spec, const cJSON *new_spec)
{
	int64_t before;
	int64_t now;
	bool said = spec_replicas(old_spec, &before);
	bool says = spec_replicas(new_spec, &now);

	if (!says && (!said || spec_wants_autoscaler(new_spec)))
		return;
	if (!says)
		now = 1;
	else if (said && now == before)
		return;
	if (now == 0) {
		state->replicas = 0;
		state->kept = 0;
	} else if (run_state_is_stopped(state) && state->kept > 0) {
		state->kept = now;
	} else {
		state->replicas = now;
		state->kept = RUN_STATE_RUNS;
	}
}

const cJSON *run_state_show_hints(const struct run_state *state, const cJSON *hints, cJSON **ret_own)
{
	const cJSON *kubernetes = json_get(hints, KUBERNETES);
	int64_t shown = run_state_is_stopped(state) ? state->kept : state->replicas;
	int64_t written;

	if (!read_replicas(kubernetes, &written) || written == shown ||
	    cJSON_IsObject(json_get(kubernetes, "autoscale")))
		return hints;
	*ret_own = cJSON_Duplicate(hints, 1);
	if (!*ret_own || !set_replicas(json_get(*ret_own, KUBERNETES), shown))
		return hints;
	return *ret_own;
}
