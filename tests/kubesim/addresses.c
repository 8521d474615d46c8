#include "tests/kubesim/addresses.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/strutil.h"
#include "tests/kubesim/tree.h"

#define IP_COUNT 65536 /* 10.96.0.0/16 */
#define IP_NETWORK 0x0a600000u
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

/* Mark this place. False: it is taken. */
static bool take_this(struct sim_addresses *a, bool *taken, int64_t place)
{
	bool free_place;

	pthread_mutex_lock(&a->lock);
	free_place = !taken[place];
	taken[place] = true;
	pthread_mutex_unlock(&a->lock);
	return free_place;
}

static void give_back(struct sim_addresses *a, bool *taken, int64_t place)
{
	pthread_mutex_lock(&a->lock);
	taken[place] = false;
	pthread_mutex_unlock(&a->lock);
}

/* The place of an address of the cluster's network; -1: it is no such address. */
static int64_t place_of_ip(const char *text)
{
	struct in_addr ip;
	uint32_t host;

	if (!text || inet_pton(AF_INET, text, &ip) != 1)
		return -1;
	host = ntohl(ip.s_addr);
	return (host & 0xffff0000u) == IP_NETWORK ? (int64_t)(host & 0xffffu) : -1;
}

/* ---- cluster IPs ------------------------------------------------------------------------------------------------- */

static void refuse_ip(const char *asked, const char *why, struct sim_causes *causes)
{
	char shown[128];
	char detail[320];

	snprintf(shown, sizeof(shown), "[\"%.100s\"]", asked);
	snprintf(detail, sizeof(detail), "failed to allocate IP %.60s: %s", asked, why);
	sim_cause_add(causes, FAULT_INVALID, "spec.clusterIPs", shown, detail);
}

static bool take_asked_ip(struct sim_addresses *a, const char *asked, struct sim_causes *causes)
{
	int64_t place = place_of_ip(asked);
	char why[200];

	if (place < 0) {
		snprintf(why, sizeof(why),
			 "the provided IP (%.60s) is not in the valid range. The range of valid IPs is 10.96.0.0/16",
			 asked);
		refuse_ip(asked, why, causes);
		return false;
	}
	if (!take_this(a, a->ips, place)) {
		refuse_ip(asked, "provided IP is already allocated", causes);
		return false;
	}
	return true;
}

static bool allocate_ip(struct sim_addresses *a, cJSON *spec, const cJSON *old, bool dry_run, struct sim_causes *causes)
{
	const char *asked = json_string_at(spec, "clusterIP");
	const char *before = json_string_at(old, "spec.clusterIP");
	char text[32];
	int64_t place;

	if (before && *before && (!asked || !*asked))
		asked = before;
	if (before && asked && !str_equal(before, asked) && *before) {
		snprintf(text, sizeof(text), "[\"%.20s\"]", asked);
		sim_cause_add(causes, FAULT_INVALID, "spec.clusterIPs[0]", text, "may not change once set");
		return false;
	}
	if (!asked || !*asked) {
		place = take_any(a, a->ips, IP_COUNT);
		if (place < 0) {
			refuse_ip("", "range is full", causes);
			return false;
		}
		if (dry_run)
			give_back(a, a->ips, place);
		snprintf(text, sizeof(text), "10.96.%" PRId64 ".%" PRId64, place / 256, place % 256);
		asked = text;
	} else if (!before && !str_equal(asked, "None")) {
		if (!take_asked_ip(a, asked, causes))
			return false;
		if (dry_run)
			give_back(a, a->ips, place_of_ip(asked));
	}
	if (asked != json_string_at(spec, "clusterIP"))
		sim_tree_set_string(spec, "clusterIP", asked);
	sim_tree_set(spec, "clusterIPs", cJSON_CreateArray());
	cJSON_AddItemToArray(json_get(spec, "clusterIPs"), cJSON_CreateString(json_string_at(spec, "clusterIP")));
	return true;
}

/* ---- node ports -------------------------------------------------------------------------------------------------- */

/* The node port that the old object has for the same port; 0: none. */
static int64_t old_node_port(const cJSON *old, const cJSON *port)
{
	const cJSON *before = NULL;

	cJSON_ArrayForEach (before, json_at(old, "spec.ports"))
		if (json_int_at(before, "port", 0) == json_int_at(port, "port", -1) &&
		    str_equal(json_string_at(before, "protocol"), json_string_at(port, "protocol")))
			return json_int_at(before, "nodePort", 0);
	return 0;
}

static bool old_has_port(const cJSON *old, int64_t node_port)
{
	const cJSON *before = NULL;

	cJSON_ArrayForEach (before, json_at(old, "spec.ports"))
		if (json_int_at(before, "nodePort", 0) == node_port)
			return true;
	return false;
}

static bool take_asked_port(struct sim_addresses *a, int64_t asked, const cJSON *old, size_t index,
			    struct sim_causes *causes)
{
	char field[64];

	snprintf(field, sizeof(field), "spec.ports[%zu].nodePort", index);
	if (asked < PORT_FIRST || asked >= PORT_FIRST + PORT_COUNT) {
		sim_cause_int(causes, FAULT_INVALID, field, asked,
			      "provided port is not in the valid range. The range of valid ports is 30000-32767");
		return false;
	}
	if (!old_has_port(old, asked) && !take_this(a, a->ports, asked - PORT_FIRST)) {
		sim_cause_int(causes, FAULT_INVALID, field, asked, "provided port is already allocated");
		return false;
	}
	return true;
}

static bool allocate_port(struct sim_addresses *a, cJSON *port, const cJSON *old, size_t index, bool dry_run,
			  struct sim_causes *causes)
{
	int64_t asked = json_int_at(port, "nodePort", 0);
	int64_t place;

	if (!asked)
		asked = old_node_port(old, port);
	if (asked) {
		if (!take_asked_port(a, asked, old, index, causes))
			return false;
		sim_tree_set_int(port, "nodePort", asked);
		place = old_has_port(old, asked) ? -1 : asked - PORT_FIRST;
	} else {
		place = take_any(a, a->ports, PORT_COUNT);
		if (place < 0) {
			sim_cause_add(causes, FAULT_INVALID, "spec.ports", NULL, "range is full");
			return false;
		}
		sim_tree_set_int(port, "nodePort", PORT_FIRST + place);
	}
	if (dry_run && place >= 0)
		give_back(a, a->ports, place);
	return true;
}

static bool wants_node_ports(const cJSON *spec)
{
	const char *type = json_string_at(spec, "type");

	return str_equal(type, "NodePort") ||
	       (str_equal(type, "LoadBalancer") && json_true_at(spec, "allocateLoadBalancerNodePorts"));
}

static bool has_node_port(const cJSON *tree, int64_t node_port)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_at(tree, "spec.ports"))
		if (json_int_at(port, "nodePort", 0) == node_port)
			return true;
	return false;
}

/* Give back the ports of `of` that `kept` (NULL: nothing) does not have. */
static void release_ports(struct sim_addresses *a, const cJSON *of, const cJSON *kept)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_at(of, "spec.ports")) {
		int64_t number = json_int_at(port, "nodePort", 0);

		if (number >= PORT_FIRST && number < PORT_FIRST + PORT_COUNT && !has_node_port(kept, number))
			give_back(a, a->ports, number - PORT_FIRST);
	}
}

void sim_service_allocate(struct sim *sim, cJSON *tree, const cJSON *old, bool dry_run, struct sim_causes *causes)
{
	struct sim_addresses *a = sim->addresses;
	cJSON *spec = json_get(tree, "spec");
	cJSON *port = NULL;
	size_t index = 0;

	if (str_equal(json_string_at(spec, "type"), "ExternalName") || !allocate_ip(a, spec, old, dry_run, causes))
		return;
	cJSON_ArrayForEach (port, json_get(spec, "ports")) {
		if (!wants_node_ports(spec))
			sim_tree_drop(port, "nodePort");
		else if (!allocate_port(a, port, old, index, dry_run, causes))
			break;
		index++;
	}
	if (causes->count && !old) {
		int64_t place = place_of_ip(json_string_at(spec, "clusterIP"));

		if (place >= 0 && !dry_run)
			give_back(a, a->ips, place);
	}
	if (!causes->count && old && !dry_run)
		release_ports(a, old, tree);
}

void sim_service_released(struct sim *sim, const struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	int64_t place = place_of_ip(json_string_at(tree, "spec.clusterIP"));

	if (place >= 0)
		give_back(sim->addresses, sim->addresses->ips, place);
	release_ports(sim->addresses, tree, NULL);
}
