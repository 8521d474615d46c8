/*
 * Services: the cloud's load balancer.
 */
#include "common/base/strutil.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/events.h"
#include "tests/kubesim/objects.h"
#include "tests/kubesim/tree.h"

void sim_control_service(struct sim *sim, struct sim_object *object)
{
	static unsigned next_ip; /* only the controllers' thread comes here */
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *balancer = sim_tree_child(sim_tree_child(tree, "status"), "loadBalancer");
	cJSON *ingress;
	int64_t age_ms;
	int64_t deleting_ms;
	char ip[32];

	if (!str_equal(json_string_at(tree, "spec.type"), "LoadBalancer") || sim->options.lb_delay_ms < 0 ||
	    json_get(balancer, "ingress") || !sim_store_ages(sim->store, object, &age_ms, &deleting_ms))
		return;
	if (age_ms < sim->options.lb_delay_ms) {
		sim_store_touch(sim->store, object, sim->options.lb_delay_ms - age_ms);
		return;
	}
	next_ip = next_ip % 65000 + 1;
	snprintf(ip, sizeof(ip), "172.20.%u.%u", next_ip / 254, 1 + next_ip % 254);
	ingress = sim_tree_append_object(sim_tree_child_array(balancer, "ingress"));
	sim_tree_set_string(ingress, "ip", ip);
	sim_tree_set_string(ingress, "ipMode", "VIP");
	if (sim_objects_update(sim, object, tree))
		sim_event(sim, object, true, "EnsuredLoadBalancer", "service-controller", "Ensured load balancer");
}
