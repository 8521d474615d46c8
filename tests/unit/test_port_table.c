#include <criterion/criterion.h>
#include <string.h>

#include "common/container/port_table.h"

Test(port_table, the_first_of_a_number_and_protocol_is_found)
{
	cleanup_json cJSON *ports = cJSON_Parse(
		"[{\"n\":9,\"v\":\"a\"},{\"n\":3,\"v\":\"b\"},{\"v\":\"c\"},{\"n\":9,\"v\":\"d\",\"protocol\":\"TCP\"},"
		"{\"n\":9,\"v\":\"e\",\"protocol\":\"UDP\"},{\"n\":\"7\",\"v\":\"f\"},{\"n\":4,\"v\":\"g\","
		"\"protocol\":\"SCTP\"}]");
	static const struct {
		int64_t number;
		const char *protocol;
		const char *value; /* NULL: not found */
	} cases[] = {
		{ 9, "TCP", "a" },  { 9, "UDP", "e" },  { 9, "SCTP", NULL }, { 3, "TCP", "b" },  { 3, "UDP", NULL },
		{ 4, "SCTP", "g" }, { 4, "TCP", NULL }, { 0, "TCP", NULL },  { 7, "TCP", NULL }, { 10, "TCP", NULL },
	};
	struct port_table table cleanup_port_table = { .count = 0 };

	cr_assert(port_table_make(ports, "n", &table));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const cJSON *found = port_table_find(&table, cases[i].number, cases[i].protocol);

		cr_expect_eq(found == NULL, cases[i].value == NULL, "case %zu", i);
		if (found && cases[i].value)
			cr_expect_str_eq(json_string_at(found, "v"), cases[i].value);
	}
}

Test(port_table, without_ports_it_is_empty)
{
	struct port_table table = { .count = 1 };

	cr_expect(port_table_make(NULL, "n", &table));
	cr_expect_null(port_table_find(&table, 0, "TCP"));
}
