#include "tests/kubesim/counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_MAX 128 /* pairs of verb and resource; there are fewer */

struct counter {
	char name[112]; /* "get deployments" */
	int64_t count;
};

struct sim_counters {
	pthread_mutex_t lock;
	struct counter items[COUNTERS_MAX];
	size_t used;
	int64_t watches;
};

struct sim_counters *sim_counters_create(void)
{
	struct sim_counters *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void sim_counters_destroy(struct sim_counters *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void sim_counters_add(struct sim_counters *c, const char *verb, const char *resource)
{
	char name[112];
	size_t i = 0;

	snprintf(name, sizeof(name), "%s %s", verb, resource);
	pthread_mutex_lock(&c->lock);
	while (i < c->used && strcmp(c->items[i].name, name) != 0)
		i++;
	if (i == c->used && c->used < COUNTERS_MAX) {
		c->items[c->used] = (struct counter){ 0 };
		memcpy(c->items[c->used++].name, name, sizeof(name));
	}
	if (i < c->used)
		c->items[i].count++;
	pthread_mutex_unlock(&c->lock);
}

void sim_counters_watching(struct sim_counters *c, int change)
{
	pthread_mutex_lock(&c->lock);
	c->watches += change;
	pthread_mutex_unlock(&c->lock);
}

void sim_counters_write(struct sim_counters *c, struct json_writer *w, const char *key)
{
	pthread_mutex_lock(&c->lock);
	json_begin_object(w, key);
	for (size_t i = 0; i < c->used; i++)
		json_int(w, c->items[i].name, c->items[i].count);
	json_end_object(w);
	json_int(w, "watches", c->watches);
	pthread_mutex_unlock(&c->lock);
}

void sim_counters_reset(struct sim_counters *c)
{
	pthread_mutex_lock(&c->lock);
	c->used = 0;
	pthread_mutex_unlock(&c->lock);
}
