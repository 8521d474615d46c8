/* SP_NATS_URL: parsing of servers and credentials, and rejection without disclosure. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/base/strutil.h"
#include "common/bus/bus_servers.h"

static const struct good_case {
	const char *list;
	const char *urls[4];
	const char *user, *password, *token;
	bool tls;
} good_cases[] = {
	{ "nats://nats:4222", { "nats://nats:4222" }, NULL, NULL, NULL, false },
	{ "nats", { "nats://nats" }, NULL, NULL, NULL, false },
	{ "10.0.0.1:65535", { "nats://10.0.0.1:65535" }, NULL, NULL, NULL, false },
	{ "tls://n.example:1", { "tls://n.example:1" }, NULL, NULL, NULL, true },
	{ "nats://[::1]:4222/", { "nats://[::1]:4222" }, NULL, NULL, NULL, false },
	{ "nats://h:", { "nats://h" }, NULL, NULL, NULL, false },
	{ " nats://a ,tls://b:2, c_d-e:3 ", { "nats://a", "tls://b:2", "nats://c_d-e:3" }, NULL, NULL, NULL, true },
	{ "nats://u:p@h:1", { "nats://h:1" }, "u", "p", NULL, false },
	{ "nats://a%40b:p%40ss%2Fw%23rd@h", { "nats://h" }, "a@b", "p@ss/w#rd", NULL, false },
	{ "nats://a@b:p@s:s/w#rd@h", { "nats://h" }, "a@b", "p@s:s/w#rd", NULL, false }, /* as libnats parses it */
	{ "nats://u:%2c%25@h", { "nats://h" }, "u", ",%", NULL, false },
	{ "nats://u:@h", { "nats://h" }, "u", "", NULL, false },
	{ "nats://t%6Fken@h", { "nats://h" }, NULL, NULL, "token", false },
	{ "nats://u:p@a,nats://u:p@b", { "nats://a", "nats://b" }, "u", "p", NULL, false },
	{ "nats://u:p@a,nats://b", { "nats://a", "nats://b" }, "u", "p", NULL, false },
};

Test(bus_servers, valid_lists_are_parsed)
{
	for (size_t i = 0; i < ARRAY_LEN(good_cases); i++) {
		const struct good_case *c = &good_cases[i];
		struct bus_servers servers = { .count = 0 };
		struct error err = { .rc = RC_OK };
		size_t count = 0;

		cr_assert_eq(bus_servers_read(c->list, &servers, &err), RC_OK, "%s: %s", c->list, err.text);
		for (; count < ARRAY_LEN(c->urls) && c->urls[count]; count++)
			cr_expect_str_eq(servers.urls[count], c->urls[count], "%s", c->list);
		cr_expect_eq(servers.count, count, "%s", c->list);
		cr_expect_eq(servers.tls, c->tls, "%s", c->list);
		cr_expect(str_equal(servers.user, c->user), "%s: %s", c->list, servers.user);
		cr_expect(str_equal(servers.password, c->password), "%s: %s", c->list, servers.password);
		cr_expect(str_equal(servers.token, c->token), "%s: %s", c->list, servers.token);
		bus_servers_clear(&servers);
	}
}

static const struct {
	const char *list;
	const char *words;
} bad_cases[] = {
	{ "", "server 1: it is empty" },
	{ ",", "server 1: it is empty" },
	{ "nats://a,", "server 2: it is empty" },
	{ "nats://a, ,nats://b", "server 2: it is empty" },
	{ "\"nats://secret:4222\"", "server 1: must be" },
	{ "'nats://secret:4222'", "server 1: must be" },
	{ "nats://secret\"", "server 1: must be" },
	{ "ws://secret:80", "server 1: must be" },
	{ "http://secret", "server 1: must be" },
	{ "NATS://secret", "server 1: must be" },
	{ "nats://", "server 1: must be" },
	{ "nats://:4222", "server 1: must be" },
	{ "nats://secret:99999", "1 to 65535" },
	{ "nats://secret:0", "1 to 65535" },
	{ "nats://secret:-1", "1 to 65535" },
	{ "nats://secret:4222:1", "1 to 65535" },
	{ "nats://a,nats://secret:port", "server 2: must be" },
	{ "nats://secret path", "server 1: must be" },
	{ "nats://secret/path", "server 1: must be" },
	{ "nats://secret\r\nPUB", "server 1: must be" },
	{ "nats://[::1", "server 1: must be" },
	{ "nats://@secret", "no user before @" },
	{ "nats://:secret@h", "no user before @" },
	{ "nats://u:secret%@h", "%25" },
	{ "nats://u:secret%zz@h", "%25" },
	{ "nats://u:secret%00@h", "%25" },
	{ "nats://u:secret%22@h", "a quote" },
	{ "nats://u:secret%5C@h", "a quote" },
	{ "nats://u:secret%0A@h", "a control character" },
	{ "nats://u:secret@h,nats://u:other@h", "server 2: its login differs" },
	{ "nats://u:secret@h,nats://secret@h", "server 2: its login differs" },
};

Test(bus_servers, errors_name_the_server_but_never_its_value)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		struct bus_servers servers = { .count = 77 };
		struct error err = { .rc = RC_OK };

		cr_expect_eq(bus_servers_read(bad_cases[i].list, &servers, &err), RC_INVALID_ARGUMENT, "%s",
			     bad_cases[i].list);
		cr_expect_eq(servers.count, 77, "%s", bad_cases[i].list);
		cr_expect(str_has_prefix(err.text, "SP_NATS_URL: "), "%s", err.text);
		cr_expect_not_null(strstr(err.text, bad_cases[i].words), "%s: %s", bad_cases[i].list, err.text);
		cr_expect_null(strstr(err.text, "secret"), "%s", err.text);
	}
	cr_expect_eq(bus_servers_read("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", &(struct bus_servers){ 0 }, NULL),
		     RC_INVALID_ARGUMENT);
}
