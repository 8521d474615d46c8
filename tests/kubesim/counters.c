#include "tests/kubesim/counters.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/services/json.h"
#include "tests/kubesim/tree.h"

struct sim_counters {
	pthread_mutex_t lock;
	cJSON *counts; /* {"get deployments": 3, ...} */
};

struct sim_counters *sim_counters_create(void)
{
	struct sim_counters *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->counts = cJSON_CreateObject();
	return c;
}

void sim_counters_destroy(struct sim_counters *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	cJSON_Delete(c->counts);
	free(c);
}

void sim_counters_add(struct sim_counters *c, const char *verb, const char *resource)
{
	char name[112];
	int64_t count = 0;

	snprintf(name, sizeof(name), "%s %s", verb, resource);
	pthread_mutex_lock(&c->lock);
	(void)json_is_int(json_get(c->counts, name), &count); /* not there: 0 */
	sim_tree_set_int(c->counts, name, count + 1);
	pthread_mutex_unlock(&c->lock);
}

void sim_counters_write(struct sim_counters *c, struct json_writer *w, const char *key)
{
	pthread_mutex_lock(&c->lock);
	json_tree(w, key, c->counts);
	pthread_mutex_unlock(&c->lock);
}

void sim_counters_reset(struct sim_counters *c)
{
	pthread_mutex_lock(&c->lock);
	cJSON_Delete(c->counts);
	c->counts = cJSON_CreateObject();
	pthread_mutex_unlock(&c->lock);
}
