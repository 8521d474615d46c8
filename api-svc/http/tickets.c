#include "api-svc/http/tickets.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/slots.h"

struct tickets {
	pthread_mutex_t lock;
	struct slots slots; /* of pointers */
};

struct tickets *tickets_create(void)
{
	struct tickets *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->slots.value_size = sizeof(void *);
	return t;
}

void tickets_destroy(struct tickets *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	slots_clear(&t->slots);
	free(t);
}

uint64_t tickets_add(struct tickets *t, void *pointer)
{
	uint64_t ticket = 0;
	uint32_t index;

	pthread_mutex_lock(&t->lock);
	if (slots_take(&t->slots, &index)) {
		*(void **)slots_at(&t->slots, index) = pointer;
		ticket = slots_ticket(&t->slots, index);
	}
	pthread_mutex_unlock(&t->lock);
	return ticket;
}

/* The lock is held. NULL: invalid number. */
static void *find(const struct tickets *t, uint64_t ticket)
{
	return slots_is_valid(&t->slots, ticket) ? *(void **)slots_at(&t->slots, slots_index(ticket)) : NULL;
}

bool tickets_test(struct tickets *t, uint64_t ticket, bool (*test)(const void *pointer))
{
	const void *pointer;
	bool result;

	pthread_mutex_lock(&t->lock);
	pointer = find(t, ticket);
	result = !pointer || test(pointer);
	pthread_mutex_unlock(&t->lock);
	return result;
}

void *tickets_take(struct tickets *t, uint64_t ticket)
{
	void *pointer;

	pthread_mutex_lock(&t->lock);
	pointer = find(t, ticket);
	if (pointer)
		slots_release(&t->slots, slots_index(ticket));
	pthread_mutex_unlock(&t->lock);
	return pointer;
}
