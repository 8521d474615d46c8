/*
 * The store's memory of changes: a ring for each kind, read by watches at their own pace.
 */
#include "common/base/clock.h"
#include "tests/kubesim/store_private.h"

static struct sim_event *event_at(const struct sim_store *s, const struct table *t, uint64_t position)
{
	return &t->ring[position % s->history_max];
}

static void drop_oldest(struct sim_store *s, struct table *t)
{
	struct sim_event *oldest = event_at(s, t, t->first++);

	t->lost_version = oldest->object->version;
	sim_event_clear(oldest);
}

void sim_history_add_locked(struct sim_store *s, enum sim_change change, struct sim_object *object,
			    struct sim_object *before)
{
	struct table *t = &s->tables[sim_kind_place(object->kind)];

	if (t->next - t->first == s->history_max)
		drop_oldest(s, t);
	*event_at(s, t, t->next++) = (struct sim_event){ .change = change, .object = object, .before = before };
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

enum rc sim_history_seek(struct sim_store *s, const struct sim_kind *kind, uint64_t version, uint64_t *ret_position,
			 uint64_t *ret_oldest)
{
	struct table *t = &s->tables[sim_kind_place(kind)];
	enum rc rc = RC_OK;
	uint64_t low;
	uint64_t high;

	pthread_mutex_lock(&s->lock);
	low = t->first;
	high = t->next;
	if (version < t->lost_version) {
		*ret_oldest = t->lost_version;
		rc = RC_EXPIRED;
	} else {
		while (low < high) {
			uint64_t middle = low + (high - low) / 2;

			if (event_at(s, t, middle)->object->version <= version)
				low = middle + 1;
			else
				high = middle;
		}
		*ret_position = low;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int sim_history_read(struct sim_store *s, const struct sim_kind *kind, uint64_t *position, struct sim_event *events,
		     int max, int64_t wait_ms, uint64_t *ret_head)
{
	struct table *t = &s->tables[sim_kind_place(kind)];
	int count = 0;

	pthread_mutex_lock(&s->lock);
	if (*position == t->next && wait_ms > 0 && !s->stopped)
		sim_store_wait_locked(s, &t->changed, wait_ms);
	if (*position < t->first) {
		pthread_mutex_unlock(&s->lock);
		return -1;
	}
	for (; count < max && *position < t->next; count++, (*position)++) {
		const struct sim_event *e = event_at(s, t, *position);

		events[count] = (struct sim_event){ .change = e->change,
						    .object = sim_object_ref(e->object),
						    .before = sim_object_ref(e->before) };
	}
	*ret_head = s->version;
	pthread_mutex_unlock(&s->lock);
	return count;
}
