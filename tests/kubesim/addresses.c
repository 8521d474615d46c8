#include "tests/kubesim/addresses.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

#define IP_PREFIX "10.96."
#define IP_COUNT 65536
#define PORT_FIRST 30000
#define PORT_COUNT 2768 /* 30000..32767 */

struct sim_addresses {
	pthread_mutex_t lock;
	bool ips[IP_COUNT];
	bool ports[PORT_COUNT];
};

struct sim_addresses *sim_addresses_create(void)
{
	struct sim_addresses *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	a->ips[0] = true;
	a->ips[1] = true; /* the API server's own Service */
	a->ips[IP_COUNT - 1] = true;
	return a;
}

void sim_addresses_destroy(struct sim_addresses *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Mark a free place, from a random one on. -1: all are taken. */
static int64_t take_any(struct sim_addresses *a, bool *taken, int64_t count)
{
	int64_t start = random_below(count);
	int64_t found = -1;

	pthread_mutex_lock(&a->lock);
	for (int64_t i = 0; i < count && found < 0; i++)
		if (!taken[(start + i) % count])
			found = (start + i) % count;
	if (found >= 0)
		taken[found] = true;
	pthread_mutex_unlock(&a->lock);
	return found;
}

/* Mark this place, or free it. False: it is outside, or marked so already. */
static bool mark(struct sim_addresses *a, bool *taken, int64_t count, int64_t place, bool take)
{
	bool changes;

	if (place < 0 || place >= count)
		return false;
	pthread_mutex_lock(&a->lock);
	changes = taken[place] != take;
	taken[place] = take;
	pthread_mutex_unlock(&a->lock);
	return changes;
}

/* ---- cluster IPs ------------------------------------------------------------------------------------------------- */

/* The place of an address of the cluster's network; -1: it is no such address. */
static int64_t place_of_ip(const char *text)
{
	int64_t high;
	int64_t low;

	if (!text || sscanf(text, IP_PREFIX "%" SCNd64 ".%" SCNd64, &high, &low) != 2)
		return -1;
	return high * 256 + low;
}

static void allocate_ip(struct sim_addresses *a, cJSON *spec, const cJSON *old, struct sim_causes *causes)
{
	const char *asked = json_string_at(spec, "clusterIP");
	const char *before = json_string_at(old, "spec.clusterIP");
	char text[32];
	int64_t place;

	if (before)
		sim_tree_set_string(spec, "clusterIP", before);
	else if (asked && !str_equal(asked, "None") && !mark(a, a->ips, IP_COUNT, place_of_ip(asked), true))
		sim_cause_add(causes, FAULT_INVALID, "spec.clusterIPs", asked, "provided IP is already allocated");
	if (!before && !asked) {
		place = take_any(a, a->ips, IP_COUNT);
		snprintf(text, sizeof(text), IP_PREFIX "%" PRId64 ".%" PRId64, place / 256, place % 256);
		sim_tree_set_string(spec, "clusterIP", text);
		if (place < 0)
			sim_cause_add(causes, FAULT_INVALID, "spec.clusterIPs", NULL, "range is full");
	}
	sim_tree_set(spec, "clusterIPs", cJSON_CreateArray());
	cJSON_AddItemToArray(json_get(spec, "clusterIPs"), cJSON_CreateString(json_string_at(spec, "clusterIP")));
}

/* ---- node ports -------------------------------------------------------------------------------------------------- */

/* The Service's port with that number under `key`; NULL: none. */
static const cJSON *find_port(const cJSON *tree, const char *key, int64_t number)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_at(tree, "spec.ports"))
		if (json_int_at(port, key, 0) == number)
			return port;
	return NULL;
}

static void allocate_port(struct sim_addresses *a, cJSON *port, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *before = find_port(old, "port", json_int_at(port, "port", -1));
	int64_t number = json_int_at(port, "nodePort", json_int_at(before, "nodePort", 0));

	if (!number)
		number = PORT_FIRST + take_any(a, a->ports, PORT_COUNT);
	else if (!find_port(old, "nodePort", number) && !mark(a, a->ports, PORT_COUNT, number - PORT_FIRST, true))
		number = -1;
	if (number < PORT_FIRST)
		sim_cause_add(causes, FAULT_INVALID, "spec.ports.nodePort", NULL,
			      "provided port is already allocated, or none is free");
	sim_tree_set_int(port, "nodePort", number);
}

/* Give back the ports of `of` that `kept` (NULL: nothing) does not have. */
static void release_ports(struct sim_addresses *a, const cJSON *of, const cJSON *kept)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_at(of, "spec.ports")) {
		int64_t number = json_int_at(port, "nodePort", 0);

		if (!find_port(kept, "nodePort", number))
			(void)mark(a, a->ports, PORT_COUNT, number - PORT_FIRST, false); /* ClusterIP: none */
	}
}

void sim_service_allocate(struct sim *sim, cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	struct sim_addresses *a = sim->addresses;
	cJSON *spec = json_get(tree, "spec");
	const char *type = json_string_at(spec, "type");
	bool on_nodes = str_equal(type, "NodePort") || str_equal(type, "LoadBalancer");
	cJSON *port = NULL;

	allocate_ip(a, spec, old, causes);
	cJSON_ArrayForEach (port, json_get(spec, "ports")) {
		if (on_nodes)
			allocate_port(a, port, old, causes);
		else
			sim_tree_drop(port, "nodePort");
	}
	if (old)
		release_ports(a, old, tree);
}

void sim_service_release(struct sim *sim, const cJSON *tree)
{
	struct sim_addresses *a = sim->addresses;

	(void)mark(a, a->ips, IP_COUNT, place_of_ip(json_string_at(tree, "spec.clusterIP")),
		   false); /* "None" is none */
	release_ports(a, tree, NULL);
}
