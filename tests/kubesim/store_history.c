/*
 * History of changes: a ring per kind, read by watches independently.
 */
#include "tests/kubesim/store_private.h"

static struct sim_event *event_at(const struct sim_store *s, const struct table *t, uint64_t position)
{
	return &t->ring[position % s->history_max];
}

static void drop_oldest(struct sim_store *s, struct table *t)
{
	struct sim_event *oldest = event_at(s, t, t->first++);

	t->lost_version = oldest->version;
	sim_event_clear(oldest);
}

void sim_history_add_locked(struct sim_store *s, enum sim_change change, struct sim_object *object,
			    struct sim_object *before)
{
	struct table *t = sim_table_of(s, object->kind);

	if (t->next - t->first == s->history_max)
		drop_oldest(s, t);
	*event_at(s, t, t->next++) = (struct sim_event){
		.change = change, .object = object, .before = before, .version = s->version
	};
	pthread_cond_broadcast(&t->changed);
}

void sim_history_clear(struct sim_store *s, struct table *t)
{
	while (t->first < t->next)
		drop_oldest(s, t);
}

void sim_event_clear(struct sim_event *event)
{
	sim_object_unref(event->object);
	sim_object_unref(event->before);
	*event = (struct sim_event){ 0 };
}

void sim_store_compact(struct sim_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->version++; /* so that "now" is newer than everything that is too old */
	for (size_t i = 0; i < SIM_KIND_COUNT; i++) {
		sim_history_clear(s, &s->tables[i]);
		s->tables[i].lost_version = s->version;
		pthread_cond_broadcast(&s->tables[i].changed);
	}
	pthread_mutex_unlock(&s->lock);
}

enum rc sim_history_seek(struct sim_store *s, struct sim_cursor *cursor)
{
	struct table *t = sim_table_of(s, cursor->kind);
	enum rc rc;

	pthread_mutex_lock(&s->lock);
	rc = cursor->version < t->lost_version ? RC_EXPIRED : RC_OK;
	cursor->position = t->next;
	while (cursor->position > t->first && event_at(s, t, cursor->position - 1)->version > cursor->version)
		cursor->position--;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int sim_history_read(struct sim_store *s, struct sim_cursor *cursor, struct sim_event *events, int max, int64_t wait_ms)
{
	struct table *t = sim_table_of(s, cursor->kind);
	int count = 0;

	pthread_mutex_lock(&s->lock);
	if (cursor->position == t->next && !s->stopped)
		sim_store_wait_locked(s, &t->changed, wait_ms);
	if (cursor->position < t->first) {
		pthread_mutex_unlock(&s->lock);
		return -1;
	}
	for (; count < max && cursor->position < t->next; cursor->position++) {
		events[count] = *event_at(s, t, cursor->position);
		sim_object_ref(events[count].object);
		sim_object_ref(events[count].before);
		cursor->version = events[count++].version;
	}
	if (cursor->position == t->next)
		cursor->version = s->version;
	pthread_mutex_unlock(&s->lock);
	return count;
}
