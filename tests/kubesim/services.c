#include "tests/kubesim/services.h"

#include <stdatomic.h>

#include "common/base/strutil.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

#define PORT_FIRST 30000u
#define PORT_COUNT 2768u /* 30000..32767 */
#define IP_COUNT 65000u

/* ---- addresses and ports: one after the other, and then from the beginning --------------------------------------- */

void sim_set_next_ip(cJSON *object, const char *key, const char *network)
{
	static atomic_uint next;
	unsigned number = atomic_fetch_add(&next, 1) % IP_COUNT;
	char ip[32];

	snprintf(ip, sizeof(ip), "%s.%u.%u", network, number / 250, 2 + number % 250);
	sim_tree_set_string(object, key, ip);
}

/* A client that leaves the port on the nodes out keeps the one that it has. */
static void set_node_port(cJSON *port, const cJSON *old)
{
	static atomic_uint next;
	const cJSON *before = NULL;

	if (json_get(port, "nodePort"))
		return;
	cJSON_ArrayForEach (before, json_at(old, "spec.ports"))
		if (json_get(before, "nodePort") && json_int_at(before, "port", 0) == json_int_at(port, "port", -1))
			break;
	if (before)
		sim_tree_set(port, "nodePort", sim_tree_copy(json_get(before, "nodePort")));
	else
		sim_tree_set_int(port, "nodePort", PORT_FIRST + atomic_fetch_add(&next, 1) % PORT_COUNT);
}

void sim_service_allocate(cJSON *tree, const cJSON *old)
{
	cJSON *spec = json_get(tree, "spec");
	const cJSON *before = json_at(old, "spec.clusterIP");
	const char *type = json_string_at(spec, "type");
	cJSON *port = NULL;

	if (before)
		sim_tree_set(spec, "clusterIP", sim_tree_copy(before));
	else if (!json_get(spec, "clusterIP"))
		sim_set_next_ip(spec, "clusterIP", "10.96");
	sim_tree_set(spec, "clusterIPs", cJSON_CreateArray());
	cJSON_AddItemToArray(json_get(spec, "clusterIPs"), sim_tree_copy(json_get(spec, "clusterIP")));
	cJSON_ArrayForEach (port, json_get(spec, "ports")) {
		if (str_equal(type, "NodePort") || str_equal(type, "LoadBalancer"))
			set_node_port(port, old);
		else
			sim_tree_drop(port, "nodePort");
	}
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
