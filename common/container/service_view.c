#include "common/container/service_view.h"

static void write_port(const cJSON *port, struct json_writer *w)
{
	const cJSON *target = json_get(port, "targetPort");
	int64_t number = json_int_at(port, "port", 0);
	int64_t node_port = json_int_at(port, "nodePort", 0);
	const char *protocol = json_string_at(port, "protocol");
	int64_t target_number;

	json_begin_object(w, NULL);
	json_int(w, "port", number);
	if (json_is_int(target, &target_number))
		json_int(w, "target_port", target_number);
	else if (!target)
		json_int(w, "target_port", number); /* the default of Kubernetes */
	json_string(w, "protocol", protocol ? protocol : "TCP");
	if (node_port)
		json_int(w, "node_port", node_port);
	json_end_object(w);
}

static const char *external_address(const cJSON *service)
{
	const cJSON *ingress = cJSON_GetArrayItem(json_at(service, "status.loadBalancer.ingress"), 0);
	const char *ip = json_string_at(ingress, "ip");

	return ip ? ip : json_string_at(ingress, "hostname");
}

void service_view_write(const cJSON *service, struct json_writer *w, const char *key)
{
	const char *type = json_string_at(service, "spec.type");
	const cJSON *port = NULL;

	json_begin_object(w, key);
	json_optional_string(w, "name", json_string_at(service, "metadata.name"));
	json_string(w, "type", type ? type : "ClusterIP");
	json_optional_string(w, "cluster_ip", json_string_at(service, "spec.clusterIP"));
	json_optional_string(w, "external_ip", external_address(service));
	json_begin_array(w, "ports");
	cJSON_ArrayForEach (port, json_at(service, "spec.ports"))
		write_port(port, w);
	json_end_array(w);
	json_end_object(w);
}
