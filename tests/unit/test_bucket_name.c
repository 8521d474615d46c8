#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/container/bucket_name.h"

Test(bucket_name, bucket_names_are_valid_and_unique_per_provider)
{
	static const char *const valid = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char long_a[129], long_b[129];
	const char *const names[] = { "a", "A", "a.b", "a b", "a_b", "a_2Eb", ">", "*", "ü", long_a, long_b };
	char buckets[ARRAY_LEN(names)][BUS_BUCKET_MAX];

	memset(long_a, '.', sizeof(long_a) - 1);
	memset(long_b, '.', sizeof(long_b) - 1);
	long_b[127] = ',';
	long_a[128] = long_b[128] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bucket_name_write(names[i], buckets[i]);
		cr_expect_eq(strspn(buckets[i], valid), strlen(buckets[i]), "%s", buckets[i]);
		cr_expect_lt(strlen(buckets[i]) + strlen("KV_"), (size_t)256);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(buckets[i], buckets[j]);
	}
	cr_expect_str_eq(buckets[0], "k8s-container-sp-a");
}
