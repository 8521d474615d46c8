#include "common/container/spec_ports.h"

#include "common/base/strutil.h"

const char *spec_port_protocol(const cJSON *port)
{
	const char *protocol = json_string_at(port, "protocol");

	return protocol ? protocol : PORT_PROTOCOL_DEFAULT;
}

bool spec_port_is_external(const cJSON *port)
{
	return str_equal(json_string_at(port, "visibility"), "external");
}

bool spec_port_is_exposed(const cJSON *port)
{
	return spec_port_is_external(port) || str_equal(json_string_at(port, "visibility"), "internal");
}

bool spec_ports_any(const cJSON *spec, bool (*test)(const cJSON *port))
{
	const cJSON *port = NULL;

	cJSON_ArrayForEach (port, json_at(spec, "network.ports"))
		if (test(port))
			return true;
	return false;
}

bool spec_ports_want_service(const cJSON *spec)
{
	return spec_ports_any(spec, spec_port_is_exposed);
}
