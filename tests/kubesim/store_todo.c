/*
 * The queue of the controllers, and related queries.
 */
#include "common/base/clock.h"
#include "tests/kubesim/store_private.h"

#define GARBAGE_DELAY_MS 50 /* from the removal of an owner to the processing of its dependents */

/* If out of memory, the object is queued at its next change. */
void sim_touch_locked(struct sim_store *s, struct slot *slot, int64_t delay_ms)
{
	int64_t due_ms = clock_mono_ms() + delay_ms;

	if (slot->due_ms && slot->due_ms <= due_ms)
		return;
	if (sim_queue_push(&s->todo, slot->current, due_ms))
		slot->due_ms = due_ms;
	pthread_cond_signal(&s->work);
}

void sim_touch_owners_locked(struct sim_store *s, const struct sim_object *o)
{
	for (size_t i = 0; i < SIM_OWNERS_MAX && o->owners[i][0]; i++) {
		struct link *owner = sim_link_first(s->by_uid, o->owners[i]);

		if (owner)
			sim_touch_locked(s, owner->slot, 0);
	}
}

void sim_touch_dependents_locked(struct sim_store *s, const char *uid)
{
	for (struct link *link = sim_link_first(s->by_owner, uid); link; link = sim_link_next(link))
		sim_touch_locked(s, link->slot, GARBAGE_DELAY_MS);
}

void sim_store_touch(struct sim_store *s, const struct sim_object *object, int64_t delay_ms)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = sim_slot_of(s, object);
	if (slot)
		sim_touch_locked(s, slot, delay_ms);
	pthread_mutex_unlock(&s->lock);
}

/* Take the first of the list. NULL: the object was deleted, or already processed before the time of this element. */
static struct sim_object *take_first_locked(struct sim_store *s)
{
	struct sim_due first = sim_queue_pop(&s->todo);
	struct slot *slot = sim_slot_of(s, first.object);

	sim_object_unref(first.object);
	if (!slot || slot->due_ms != first.due_ms)
		return NULL;
	slot->due_ms = 0;
	return sim_object_ref(slot->current);
}

struct sim_object *sim_store_next_due(struct sim_store *s)
{
	struct sim_object *object = NULL;

	pthread_mutex_lock(&s->lock);
	while (!s->stopped && !object) {
		int64_t wait_ms = s->todo.count ? s->todo.items[0].due_ms - clock_mono_ms() : 1;

		if (!s->todo.count)
			pthread_cond_wait(&s->work, &s->lock);
		else if (wait_ms > 0)
			sim_store_wait_locked(s, &s->work, wait_ms);
		else
			object = take_first_locked(s);
	}
	pthread_mutex_unlock(&s->lock);
	return object;
}

bool sim_store_is_orphan(struct sim_store *s, const struct sim_object *object)
{
	bool orphan = object->owners[0][0] != '\0';

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SIM_OWNERS_MAX && object->owners[i][0]; i++)
		orphan = orphan && !sim_link_first(s->by_uid, object->owners[i]);
	pthread_mutex_unlock(&s->lock);
	return orphan;
}

bool sim_store_ages(struct sim_store *s, const struct sim_object *object, int64_t *ret_age_ms, int64_t *ret_deleting_ms)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = sim_slot_of(s, object);
	if (slot) {
		*ret_age_ms = clock_mono_ms() - slot->created_ms;
		*ret_deleting_ms = slot->deleting_ms ? clock_mono_ms() - slot->deleting_ms : 0;
	}
	pthread_mutex_unlock(&s->lock);
	return slot != NULL;
}
