#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_json.h"

static const struct object_row {
	const char *text;
	const char *tree;
} object_rows[] = {
	{ "{\"a\":1}", "{\"a\":1}" },
	{ "{\"managedFields\":[{\"f\":[[],[\"]\"]]}],\"b\":[2]}", "{\"managedFields\":[],\"b\":[2]}" },
	{ "{\"managedFields\":[\"\\\"]\"],\"b\":2}", "{\"managedFields\":[],\"b\":2}" },
	{ "{\"a\":\"\\\"managedFields\\\":[\"}", "{\"a\":\"\\\"managedFields\\\":[\"}" },
	{ "{\"managedFields\":[]}", "{\"managedFields\":[]}" },
	{ "{\"managedFields\":[[]", NULL },
	{ "{\"managedFields\":[\"\\", NULL },
};

Test(kube_json, objects_are_parsed_without_managed_fields)
{
	for (size_t i = 0; i < ARRAY_LEN(object_rows); i++) {
		const struct object_row *row = &object_rows[i];
		cleanup_free char *text = str_dup(row->text);
		cleanup_json cJSON *tree = NULL;
		cleanup_free char *printed = NULL;

		cr_expect((kube_json_parse(text, strlen(text), &tree, NULL) == RC_OK) == (row->tree != NULL), "%s",
			  row->text);
		printed = tree ? cJSON_PrintUnformatted(tree) : NULL;
		cr_expect(str_equal(printed, row->tree), "%s", row->text);
	}
}

static const struct {
	const char *status;
	int seconds;
} retry_rows[] = {
	{ "{}", 0 },
	{ "{\"details\":[]}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":3}}", 3 },
	{ "{\"details\":{\"retryAfterSeconds\":2147483647}}", 60 },
	{ "{\"details\":{\"retryAfterSeconds\":-7}}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":1e300}}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":\"3\"}}", 0 },
};

Test(kube_json, retry_after_of_a_status_is_bounded)
{
	for (size_t i = 0; i < ARRAY_LEN(retry_rows); i++) {
		cleanup_json cJSON *status = cJSON_Parse(retry_rows[i].status);

		cr_expect_eq(kube_json_retry_after_s(status), retry_rows[i].seconds, "%s", retry_rows[i].status);
	}
}
