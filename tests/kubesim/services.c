#include "tests/kubesim/services.h"

#include <stdatomic.h>

#include "common/base/strutil.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/kinds.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/tree.h"

#define PORT_FIRST 30000u
#define PORT_COUNT 2768u /* 30000..32767 */
#define PORT_CHOSEN 86u  /* the first ones are reserved for clients that choose. Source: KEP-3668 */
#define IP_COUNT 65000u

/* ---- addresses and ports: in order, then from the beginning again ------------------------------------------------ */

void sim_set_next_ip(cJSON *object, const char *key, const char *network)
{
	static atomic_uint next;
	unsigned number = atomic_fetch_add(&next, 1) % IP_COUNT;
	char ip[32];

	snprintf(ip, sizeof(ip), "%s.%u.%u", network, number / 250, 2 + number % 250);
	sim_tree_set_string(object, key, ip);
}

/* Ports chosen by clients, which are not allocated. */
static atomic_bool chosen[PORT_COUNT];

static unsigned next_node_port(void)
{
	static atomic_uint next;
	unsigned place;

	do {
		place = PORT_CHOSEN + atomic_fetch_add(&next, 1) % (PORT_COUNT - PORT_CHOSEN);
	} while (atomic_load(&chosen[place]));
	return PORT_FIRST + place;
}

/* The port of a list with this number; NULL: none. */
static const cJSON *find_port(const cJSON *ports, const char *key, int64_t number)
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, ports)
		if (json_int_at(port, key, -1) == number)
			return port;
	return NULL;
}

static bool is_taken(struct sim *sim, int64_t number)
{
	struct sim_list_query query = { .kind = &sim_kinds[SIM_SERVICE], .ns = "" };
	struct sim_list list = { 0 };
	bool taken = sim_store_list(sim->store, &query, &list) != RC_OK;

	for (size_t i = 0; i < list.count && !taken; i++) {
		cleanup_json cJSON *tree = sim_object_tree(list.objects[i]);

		taken = find_port(json_at(tree, "spec.ports"), "nodePort", number);
	}
	sim_list_clear(&list);
	return taken;
}

/* A node port chosen by the client that the Service does not have yet. */
static void choose_node_port(struct sim *sim, const cJSON *ports, const cJSON *port, int place,
			     struct sim_causes *causes)
{
	int64_t number = json_int_at(port, "nodePort", 0);
	const char *fault = NULL;

	if (number < PORT_FIRST || number >= PORT_FIRST + PORT_COUNT)
		fault = "provided port is not in the valid range. The range of valid ports is 30000-32767";
	else if (find_port(ports, "nodePort", number) != port || is_taken(sim, number))
		fault = "provided port is already allocated";
	if (fault)
		sim_cause_add(causes, FAULT_INVALID, NULL, fault, "spec.ports[%d].nodePort", place);
	else
		atomic_store(&chosen[number - PORT_FIRST], true);
}

/* Without a node port in the request the current one is kept. */
static void allocate_node_ports(struct sim *sim, cJSON *ports, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *old_ports = json_at(old, "spec.ports");
	cJSON *port = NULL;
	int place = 0;

	cJSON_ArrayForEach (port, ports) {
		const cJSON *before = find_port(old_ports, "port", json_int_at(port, "port", 0));

		if (!json_get(port, "nodePort"))
			sim_tree_set_int(port, "nodePort", json_int_at(before, "nodePort", next_node_port()));
		else if (!find_port(old_ports, "nodePort", json_int_at(port, "nodePort", 0)))
			choose_node_port(sim, ports, port, place, causes);
		place++;
	}
}

/* Release the node ports of a Service that no longer needs them. */
static void drop_node_ports(cJSON *ports, const cJSON *old, struct sim_causes *causes)
{
	bool had_them = !str_equal(json_string_at(old, "spec.type"), "ClusterIP");
	cJSON *port = NULL;
	int place = 0;

	cJSON_ArrayForEach (port, ports) {
		int64_t number = json_int_at(port, "nodePort", 0);

		if (number && had_them && find_port(json_at(old, "spec.ports"), "nodePort", number))
			sim_tree_drop(port, "nodePort");
		else if (number)
			sim_cause_add(causes, FAULT_FORBIDDEN, NULL, "may not be used when `type` is 'ClusterIP'",
				      "spec.ports[%d].nodePort", place);
		place++;
	}
}

/* If the address is omitted, it is kept. */
static void allocate_address(cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	cJSON *spec = json_get(tree, "spec");
	const cJSON *before = json_at(old, "spec.clusterIP");
	const cJSON *others = json_get(spec, "clusterIPs");
	const char *address = json_string_at(spec, "clusterIP");

	if (!json_string_at(tree, "metadata.name"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "an address for what has no name", "spec.clusterIPs");
	else if ((!before && address && !str_equal(address, "None")) ||
		 (others && !cJSON_Compare(others, json_at(old, "spec.clusterIPs"), true) &&
		  !(cJSON_GetArraySize(others) == 1 && str_equal(others->child->valuestring, address))))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "an address that a client chose", "spec.clusterIP");
	else if (!address && before)
		sim_tree_set(spec, "clusterIP", sim_tree_copy(before));
	else if (!address)
		sim_set_next_ip(spec, "clusterIP", "10.96");
	sim_tree_set(spec, "clusterIPs", cJSON_CreateArray());
	cJSON_AddItemToArray(json_get(spec, "clusterIPs"), sim_tree_copy(json_get(spec, "clusterIP")));
}

void sim_service_allocate(struct sim *sim, cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	cJSON *spec = json_get(tree, "spec");
	const char *type = json_string_at(spec, "type");

	allocate_address(tree, old, causes);
	if (str_equal(type, "NodePort") || str_equal(type, "LoadBalancer"))
		allocate_node_ports(sim, json_get(spec, "ports"), old, causes);
	else
		drop_node_ports(json_get(spec, "ports"), old, causes);
}

/* ---- the load balancer ------------------------------------------------------------------------------------------- */

void sim_control_service(struct sim *sim, struct sim_object *object)
{
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *balancer = sim_tree_child(sim_tree_child(tree, "status"), "loadBalancer");
	int64_t age_ms;
	int64_t deleting_ms;

	if (!str_equal(json_string_at(tree, "spec.type"), "LoadBalancer") || sim->options.lb_delay_ms < 0 ||
	    json_get(balancer, "ingress") || !sim_store_ages(sim->store, object, &age_ms, &deleting_ms))
		return;
	if (age_ms < sim->options.lb_delay_ms) {
		sim_store_touch(sim->store, object, sim->options.lb_delay_ms - age_ms);
		return;
	}
	sim_set_next_ip(sim_tree_append_object(sim_tree_child_array(balancer, "ingress")), "ip", "172.20");
	if (sim_objects_update(sim, object, tree))
		sim_event(sim, object, true, "EnsuredLoadBalancer", "service-controller", "Ensured load balancer");
}
