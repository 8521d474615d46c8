#include <criterion/criterion.h>
#include <string.h>

#include "common/container/output_spec.h"

#define NAME "\"name\":\"web\","
#define PORTS                                                                                   \
	"\"ports\":[{\"port\":80,\"target_port\":80,\"protocol\":\"TCP\",\"node_port\":30080}," \
	"{\"port\":80,\"target_port\":80,\"protocol\":\"UDP\",\"node_port\":30081},"            \
	"{\"port\":81,\"target_port\":81,\"protocol\":\"TCP\"}]}"
#define INTERNAL(PORT) "{\"address\":\"web.ns.svc\",\"port\":" PORT ",\"scope\":\"internal\"}"
#define EXTERNAL(ADDRESS, PORT) "{\"address\":\"" ADDRESS "\",\"port\":" PORT ",\"scope\":\"external\"}"
#define BOTH INTERNAL("80") "," INTERNAL("81")

Test(output_spec, endpoints_of_a_container_are_listed)
{
	static const struct {
		const char *what;
		const char *service;  /* NULL: none */
		const char *external; /* as in the fact */
		const char *host_ip;
		const char *endpoints;
	} cases[] = {
		{ "no Service", NULL, "", "10.0.0.1", "" },
		{ "internal only", "{" NAME "\"type\":\"ClusterIP\"," PORTS, "", "10.0.0.1", BOTH },
		{ "a node port", "{" NAME "\"type\":\"NodePort\"," PORTS, " 80/TCP ", "10.0.0.1",
		  BOTH "," EXTERNAL("10.0.0.1", "30080") },
		{ "a node port of another protocol", "{" NAME "\"type\":\"NodePort\"," PORTS, " 8080/TCP  80/UDP ",
		  "10.0.0.1", BOTH "," EXTERNAL("10.0.0.1", "30081") },
		{ "an unknown node", "{" NAME "\"type\":\"NodePort\"," PORTS, " 80/TCP ", "", BOTH },
		{ "ports of a foreign Deployment", "{" NAME "\"type\":\"NodePort\"," PORTS, FACT_ALL_PORTS, "10.0.0.1",
		  BOTH "," EXTERNAL("10.0.0.1", "30080") "," EXTERNAL("10.0.0.1", "30081") },
		{ "a load balancer without an address", "{" NAME "\"type\":\"LoadBalancer\"," PORTS, " 80/TCP ",
		  "10.0.0.1", BOTH },
		{ "a load balancer", "{" NAME "\"type\":\"LoadBalancer\",\"external_ip\":\"lb.example\"," PORTS,
		  " 80/TCP  81/TCP ", "10.0.0.1",
		  BOTH "," EXTERNAL("lb.example", "80") "," EXTERNAL("lb.example", "81") },
		{ "malformed", "{", " 80/TCP ", "10.0.0.1", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fact root = { .external_ports = cases[i].external };
		const struct fact service = { .service = cases[i].service };
		struct buf out cleanup_buf = buf_make(OUTPUT_SPEC_MAX);
		struct buf expected cleanup_buf = buf_make(OUTPUT_SPEC_MAX);

		output_spec_write("ns", &root, cases[i].service ? &service : NULL, cases[i].host_ip, &out);
		buf_addf(&expected, "{\"namespace\":\"ns\",\"endpoints\":[%s]}", cases[i].endpoints);
		cr_expect_str_eq(out.data, expected.data, "%s: %s", cases[i].what, out.data);
	}
}

Test(output_spec, of_too_many_ports_the_first_are_listed)
{
	struct buf view cleanup_buf = buf_make(4u * 1024 * 1024);
	struct buf out cleanup_buf = buf_make(OUTPUT_SPEC_MAX);
	const struct fact root = { .external_ports = FACT_ALL_PORTS };
	cleanup_json cJSON *tree = NULL;
	struct fact service = { .kind = KUBE_SERVICE };

	buf_add_str(&view, "{" NAME "\"type\":\"NodePort\",\"ports\":[");
	for (int port = 1; port <= 10000; port++)
		buf_addf(&view, "%s{\"port\":%d,\"target_port\":%d,\"protocol\":\"TCP\",\"node_port\":%d}",
			 port > 1 ? "," : "", port, port, port);
	buf_add_str(&view, "]}");
	service.service = view.data;
	output_spec_write("ns", &root, &service, "10.0.0.1", &out);
	cr_expect_eq(buf_check(&out, NULL), RC_OK);
	cr_assert_eq(json_parse(out.data, out.len, &tree, NULL), RC_OK);
	cr_expect_gt(cJSON_GetArraySize(json_get(tree, "endpoints")), 4000);
}
