#include "api-svc/http/tickets.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_PLACES 64
#define NO_PLACE UINT32_MAX

struct place {
	void *pointer; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct tickets {
	pthread_mutex_t lock;
	struct place *places;
	uint32_t capacity;
	uint32_t first_free;
};

struct tickets *tickets_create(void)
{
	struct tickets *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->first_free = NO_PLACE;
	return t;
}

void tickets_destroy(struct tickets *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->places);
	free(t);
}

/* The lock is held. */
static void release_place(struct tickets *t, uint32_t index)
{
	t->places[index].pointer = NULL;
	t->places[index].generation++;
	t->places[index].next_free = t->first_free;
	t->first_free = index;
}

/* The lock is held. */
static int grow(struct tickets *t)
{
	uint32_t capacity = t->capacity ? t->capacity * 2 : FIRST_PLACES;
	struct place *grown = realloc(t->places, capacity * sizeof(*grown));

	if (!grown)
		return -1;
	t->places = grown;
	for (uint32_t i = capacity; i > t->capacity; i--) {
		t->places[i - 1].generation = 0;
		release_place(t, i - 1);
	}
	t->capacity = capacity;
	return 0;
}

/* Generations begin at 1, so that no ticket is 0. */
static uint64_t ticket_of(const struct tickets *t, uint32_t index)
{
	return (uint64_t)t->places[index].generation << 32 | index;
}

uint64_t tickets_add(struct tickets *t, void *pointer)
{
	uint64_t ticket = 0;

	pthread_mutex_lock(&t->lock);
	if (t->first_free != NO_PLACE || grow(t) == 0) {
		uint32_t index = t->first_free;

		t->first_free = t->places[index].next_free;
		t->places[index].pointer = pointer;
		ticket = ticket_of(t, index);
	}
	pthread_mutex_unlock(&t->lock);
	return ticket;
}

/* The lock is held. NULL: the number is not valid. */
static void *find(const struct tickets *t, uint64_t ticket)
{
	uint32_t index = (uint32_t)ticket;

	return index < t->capacity && ticket_of(t, index) == ticket ? t->places[index].pointer : NULL;
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
		release_place(t, (uint32_t)ticket);
	pthread_mutex_unlock(&t->lock);
	return pointer;
}
