#include "common/container/output_spec.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/spec_ports.h"
#include "common/services/json_write.h"

#define ENDPOINT_MAX 1024 /* bytes; an address is a DNS name of 253 at most */

static void write_endpoint(struct json_writer *w, const char *address, int64_t port, const char *scope)
{
	if (w->out->len + 2 * ENDPOINT_MAX > OUTPUT_SPEC_MAX)
		return;
	json_begin_object(w, NULL);
	json_string(w, "address", address);
	json_int(w, "port", port);
	json_string(w, "scope", scope);
	json_end_object(w);
}

/* Two ports may have the same number with different protocols. */
static bool is_first_of_its_number(const cJSON *ports, const cJSON *port)
{
	const cJSON *earlier = NULL;

	cJSON_ArrayForEach (earlier, ports) {
		if (earlier == port)
			return true;
		if (json_int_at(earlier, "port", 0) == json_int_at(port, "port", 0))
			return false;
	}
	return true;
}

static void write_internal(struct json_writer *w, const cJSON *view, const char *namespace)
{
	const cJSON *ports = json_get(view, "ports");
	const cJSON *port = NULL;
	char address[512];

	snprintf(address, sizeof(address), "%s.%s.svc", json_string_at(view, "name"), namespace);
	cJSON_ArrayForEach (port, ports)
		if (is_first_of_its_number(ports, port))
			write_endpoint(w, address, json_int_at(port, "port", 0), "internal");
}

static bool is_external(const struct fact *root, const cJSON *port)
{
	char key[FACT_PORT_MAX];

	if (str_equal(root->external_ports, FACT_ALL_PORTS))
		return true;
	snprintf(key, sizeof(key), FACT_PORT_FORM, json_int_at(port, "target_port", 0), spec_port_protocol(port));
	return strstr(root->external_ports, key) != NULL;
}

static void write_external(struct json_writer *w, const cJSON *view, const struct fact *root, const char *host_ip)
{
	bool balanced = str_equal(json_string_at(view, "type"), "LoadBalancer");
	const char *address = balanced ? json_string_at(view, "external_ip") : host_ip;
	const char *number = balanced ? "port" : "node_port";
	const cJSON *port = NULL;

	if (!address || !address[0])
		return;
	cJSON_ArrayForEach (port, json_get(view, "ports"))
		if (json_int_at(port, number, 0) && is_external(root, port))
			write_endpoint(w, address, json_int_at(port, number, 0), "external");
}

void output_spec_write(const char *namespace, const struct fact *root, const struct fact *service, const char *host_ip,
		       struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	cleanup_json cJSON *view = NULL;

	if (service && json_parse(service->service, strlen(service->service), &view, NULL))
		view = NULL; /* our own text is valid: out of memory */
	json_begin_object(&w, NULL);
	json_string(&w, "namespace", namespace);
	json_begin_array(&w, "endpoints");
	if (json_string_at(view, "name")) {
		write_internal(&w, view, namespace);
		write_external(&w, view, root, host_ip);
	}
	json_end_array(&w);
	json_end_object(&w);
}
