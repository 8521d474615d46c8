#include <criterion/criterion.h>
#include <string.h>

#include "common/container/record.h"

Test(record, buckets_of_different_providers_differ_and_are_legal)
{
	static const char *const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char long_a[129], long_b[129];
	const char *const names[] = { "a", "A", "a.b", "a b", "a_b", "a_2Eb", ">", "*", "ü", long_a, long_b };
	char buckets[ARRAY_LEN(names)][BUS_BUCKET_MAX];

	memset(long_a, '.', sizeof(long_a) - 1);
	memset(long_b, '.', sizeof(long_b) - 1);
	long_b[127] = ',';
	long_a[128] = long_b[128] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		record_bucket(names[i], buckets[i]);
		cr_expect_eq(strspn(buckets[i], legal), strlen(buckets[i]), "%s", buckets[i]);
		cr_expect_lt(strlen(buckets[i]) + strlen("KV_"), (size_t)256);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(buckets[i], buckets[j]);
	}
	cr_expect_str_eq(buckets[0], "k8s-container-sp-a");
}

Test(record, it_comes_back_as_it_was)
{
	const struct record record = {
		.id = "We_b", .name = "another", .status = CONTAINER_UNKNOWN, .version = 1234567
	};
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
	record_key(RESOURCE_CONTAINER, "a.B_c", key);
	cr_expect_str_eq(key, "state.a_2EB_5Fc");
}

Test(record, anything_else_is_refused)
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
					   "{\"id\":\"a\",\"name\":\"a\",\"status\":\"RUNNING\",\"version\":-1}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cJSON *tree = NULL;
		struct record record;

		cr_expect_eq(record_read(bad[i], strlen(bad[i]), &tree, &record, NULL), RC_INVALID_ARGUMENT, "%s",
			     bad[i]);
		cr_expect_null(tree);
	}
}
