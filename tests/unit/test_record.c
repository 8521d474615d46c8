#include <criterion/criterion.h>
#include <string.h>

#include "common/container/record.h"

Test(record, round_trip)
{
	const struct record record = { .id = "We_b",
				       .kind = KUBE_STATEFULSET,
				       .name = "another",
				       .status = CONTAINER_UNKNOWN,
				       .version = 1234567 };
	struct buf out cleanup_buf = buf_make(RECORD_MAX);
	cleanup_json cJSON *tree = NULL;
	struct record read;
	char key[RECORD_KEY_MAX];

	record_write(&record, &out);
	cr_assert_eq(record_read(out.data, out.len, &tree, &read, NULL), RC_OK);
	cr_expect_str_eq(read.id, record.id);
	cr_expect_str_eq(read.name, record.name);
	cr_expect_eq(read.status, record.status);
	cr_expect_eq(read.version, record.version);
	cr_expect_eq(read.kind, record.kind);
	record_key(RESOURCE_CONTAINER, "a.B_c", key);
	cr_expect_str_eq(key, "state.a_2EB_5Fc");
}

Test(record, a_record_without_kind_is_of_a_deployment)
{
	static const char old[] = "{\"id\":\"a\",\"name\":\"a\",\"status\":\"RUNNING\"}";
	struct buf out cleanup_buf = buf_make(RECORD_MAX);
	cleanup_json cJSON *tree = NULL;
	struct record read = { .kind = KUBE_STATEFULSET };

	cr_assert_eq(record_read(old, strlen(old), &tree, &read, NULL), RC_OK);
	cr_expect_eq(read.kind, KUBE_DEPLOYMENT);
	record_write(&read, &out);
	cr_expect_str_eq(out.data, old);
}

Test(record, malformed_records_are_refused)
{
	static const char *const bad[] = { "",
					   "x",
					   "[]",
					   "{}",
					   "{\"id\":\"a\",\"name\":\"a\"}",
					   "{\"id\":\"\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"a\",\"status\":\"DELETED\"}",
					   "{\"id\":\"a\",\"name\":1,\"status\":\"RUNNING\"}",
					   "{\"id\":\"a b\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\\r\\nPUB\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"../a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"kind\":\"Pod\",\"name\":\"a\",\"status\":\"RUNNING\"}",
					   "{\"id\":\"a\",\"name\":\"a\",\"status\":\"RUNNING\",\"version\":-1}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cJSON *tree = NULL;
		struct record record;

		cr_expect_eq(record_read(bad[i], strlen(bad[i]), &tree, &record, NULL), RC_INVALID_ARGUMENT, "%s",
			     bad[i]);
		cr_expect_null(tree);
	}
}
