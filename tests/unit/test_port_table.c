#include <criterion/criterion.h>
#include <string.h>

#include "common/container/container_object.h"
#include "common/container/port_table.h"

Test(port_table, the_first_of_a_number_counts)
{
	cleanup_json cJSON *ports = cJSON_Parse(
		"[{\"n\":9,\"v\":\"a\"},{\"n\":3,\"v\":\"b\"},{\"v\":\"c\"},{\"n\":9,\"v\":\"d\"},"
		"{\"n\":5},{\"n\":\"7\",\"v\":\"e\"}]");
	struct port_table table cleanup_port_table = { .count = 0 };
	const char *value = "unset";

	cr_assert(port_table_make(ports, "n", "v", &table));
	cr_expect(port_table_find(&table, 9, &value));
	cr_expect_str_eq(value, "a");
	cr_expect(port_table_find(&table, 3, &value));
	cr_expect_str_eq(value, "b");
	cr_expect(port_table_find(&table, 5, &value));
	cr_expect_null(value);
	for (int64_t absent = 0; absent < 3; absent++)
		cr_expect_not(port_table_find(&table, absent, &value));
	cr_expect_not(port_table_find(&table, 7, NULL));
	cr_expect_not(port_table_find(&table, 10, NULL));
}

Test(port_table, nothing_makes_an_empty_one)
{
	struct port_table table = { .count = 1 };

	cr_expect(port_table_make(NULL, "n", "v", &table));
	cr_expect_not(port_table_find(&table, 0, NULL));
}

Test(container_object, what_does_not_fit_the_annotation_is_called_by_its_name)
{
	cleanup_json cJSON *spec = cJSON_Parse("{\"metadata\":{\"name\":\"a\"},\"network\":{\"ports\":[]}}");
	struct buf out cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct error err;

	for (int i = 1; i <= 5000; i++) {
		cJSON *port = cJSON_CreateObject();

		cJSON_AddNumberToObject(port, "container_port", i);
		cJSON_AddStringToObject(port, "visibility", "internal");
		cJSON_AddItemToArray(json_at(spec, "network.ports"), port);
	}
	cr_assert_eq(container_write_deployment(
			     "a", spec, NULL, &(struct container_origin){ .token = "req:1", .digest = "" }, &out, &err),
		     RC_INVALID_ARGUMENT);
	cr_expect_not_null(strstr(err.text, "network.ports"), "%s", err.text);
}
