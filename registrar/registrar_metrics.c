#include "registrar/registrar_metrics.h"

#include "common/base/clock.h"
#include "common/bus/bus_metrics.h"
#include "common/services/metrics_process.h"

#define RESULTS (REGISTRATION_EVENT_COUNT - REGISTRATION_ACCEPT)

static const char *state_value(size_t index)
{
	return registration_state_name((enum registration_state)index);
}

static const char *result_value(size_t index)
{
	static const char *const names[RESULTS] = { "accepted", "retry", "refused" };

	return names[index];
}

static struct metric_cell states[REGISTRATION_STATE_COUNT], posts[RESULTS], accepted;

/* clang-format off */
static const struct metric
	state_metric = { .name = "dcm_sp_registration_state", .help = "State of the registration with DCM: 1 for the current state, else 0",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = states,
		.labels = { { "state", REGISTRATION_STATE_COUNT, state_value } } },
	posts_metric = { .name = "dcm_sp_registration_posts", .help = "Registrations sent, by result",
		.type = METRIC_COUNTER, .scale = METRIC_ONE, .cells = posts, .labels = { { "result", RESULTS, result_value } } },
	accepted_metric = { .name = "dcm_sp_registration_age_seconds", .unit = "seconds",
		.help = "Age of the last accepted registration; absent before the first one",
		.type = METRIC_AGE, .scale = METRIC_MS, .cells = &accepted };
/* clang-format on */

static const struct metric *const own[] = { &state_metric, &posts_metric, &accepted_metric, NULL };

const struct metric *const *const registrar_metrics[] = { metrics_process, bus_metrics, own, NULL };

void registrar_metrics_state(enum registration_state state)
{
	for (size_t i = 0; i < REGISTRATION_STATE_COUNT; i++)
		metric_set(&state_metric, i, i == (size_t)state);
}

void registrar_metrics_posted(enum registration_event meaning)
{
	metric_add(&posts_metric, (size_t)meaning - REGISTRATION_ACCEPT, 1);
	if (meaning == REGISTRATION_ACCEPT)
		metric_set(&accepted_metric, 0, clock_mono_ms());
}
