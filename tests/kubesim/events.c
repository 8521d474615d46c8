#include "tests/kubesim/events.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define EVENTS_MAX 1000

/* Ring of the last events; used only on the controllers' thread. */
static struct sim_object *kept[EVENTS_MAX];
static uint64_t made;

static void keep(struct sim *sim, struct sim_object *event)
{
	struct sim_object **place = &kept[made++ % EVENTS_MAX];
	struct sim_object *oldest = *place;

	*place = event;
	if (oldest)
		(void)sim_objects_remove(
			sim, oldest); /* otherwise it was deleted or changed in the meantime and is left unchanged */
	sim_object_unref(oldest);
}

static void describe(cJSON *event, const struct sim_object *about)
{
	cJSON *involved = sim_tree_child(event, "involvedObject");

	sim_tree_set_string(involved, "kind", about->kind->kind);
	sim_tree_set_string(involved, "namespace", about->ns);
	sim_tree_set_string(involved, "name", about->name);
	sim_tree_set_string(involved, "uid", about->uid);
	sim_tree_set_string(involved, "apiVersion", about->kind->api_version);
}

void sim_event(struct sim *sim, const struct sim_object *about, bool normal, const char *reason, const char *component,
	       const char *message)
{
	const struct sim_kind *kind = &sim_kinds[SIM_EVENT];
	cleanup_json cJSON *event = cJSON_CreateObject();
	struct sim_object *stored = NULL;
	char name[600];

	snprintf(name, sizeof(name), "%s.%016" PRIx64, about->name, (uint64_t)clock_mono_ns());
	sim_tree_set_string(sim_tree_child(event, "metadata"), "name", name);
	sim_objects_stamp(kind, event, about->ns);
	describe(event, about);
	sim_tree_set_string(event, "reason", reason);
	sim_tree_set_string(event, "message", message);
	sim_tree_set_string(sim_tree_child(event, "source"), "component", component);
	sim_tree_set_now(event, "firstTimestamp");
	sim_tree_set_now(event, "lastTimestamp");
	sim_tree_set_int(event, "count", 1);
	sim_tree_set_string(event, "type", normal ? "Normal" : "Warning");
	if (sim_objects_insert(sim, kind, event, &stored) == RC_OK)
		keep(sim, stored);
}
