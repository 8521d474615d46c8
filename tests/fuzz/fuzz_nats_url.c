/* SP_NATS_URL: accepted URLs have a host and a port, and no login; rejected ones are not in the message. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/bus_servers.h"
#include "tests/fuzz/fuzz.h"

static void check_url(const char *url)
{
	FUZZ_CHECK(str_has_prefix(url, "nats://") || str_has_prefix(url, "tls://"));
	FUZZ_CHECK(!strpbrk(strstr(url, "://") + 3, "@/ \"'\r\n\t,"));
}

static void check_text(const char *text)
{
	FUZZ_CHECK(!text || bus_servers_can_send(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct bus_servers servers cleanup_with(bus_servers_clear) = { .count = 0 };
	struct error err = { .rc = RC_OK };

	if (!text)
		return 0;
	if (bus_servers_read(text, &servers, &err)) {
		FUZZ_CHECK(servers.count == 0 && str_has_prefix(err.text, "SP_NATS_URL: server "));
		return 0;
	}
	FUZZ_CHECK(servers.count >= 1 && servers.count <= BUS_SERVERS_MAX);
	for (size_t i = 0; i < servers.count; i++)
		check_url(servers.urls[i]);
	check_text(servers.user);
	check_text(servers.password);
	check_text(servers.token);
	FUZZ_CHECK(!servers.user == !servers.password && !(servers.user && servers.token));
	return 0;
}
