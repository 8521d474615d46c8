/* object_merge: previous desired state, new desired state, and changes by others. */
#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "common/container/object_merge.h"
#include "common/services/json_write.h"

static cJSON *tree_of(const char *text)
{
	cJSON *tree = NULL;
	struct error err;

	cr_assert_eq(json_parse_strict(text, strlen(text), &tree, &err), RC_OK, "%s: %s", text, err.text);
	return tree;
}

static const struct merge_case {
	const char *name;
	const char *from;
	const char *to;
	const char *live;
	const char *result;
} cases[] = {
	{ "desired state unchanged", "{\"a\":1}", "{\"a\":1}", "{\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}" },
	{ "changed", "{\"a\":1}", "{\"a\":2}", "{\"a\":1,\"b\":3}", "{\"b\":3,\"a\":2}" },
	{ "added", "{}", "{\"a\":2}", "{\"b\":3}", "{\"b\":3,\"a\":2}" },
	{ "removed", "{\"a\":1}", "{}", "{\"a\":1,\"b\":3}", "{\"b\":3}" },
	{ "removed, and already missing", "{\"a\":1}", "{}", "{\"b\":3}", "{\"b\":3}" },
	{ "changed, and missing", "{\"a\":1}", "{\"a\":2}", "{}", "{\"a\":2}" },
	{ "replicas of an autoscaler", "{\"spec\":{\"replicas\":1,\"x\":1}}", "{\"spec\":{\"replicas\":1,\"x\":2}}",
	  "{\"spec\":{\"replicas\":7,\"x\":1}}", "{\"spec\":{\"replicas\":7,\"x\":2}}" },
	{ "labels of others", "{\"labels\":{\"a\":\"1\",\"b\":\"1\"}}", "{\"labels\":{\"b\":\"2\"}}",
	  "{\"labels\":{\"a\":\"1\",\"b\":\"1\",\"theirs\":\"x\"}}", "{\"labels\":{\"theirs\":\"x\",\"b\":\"2\"}}" },
	{ "an object removed as a whole", "{\"s\":{\"a\":1}}", "{}", "{\"s\":{\"a\":1}}", "{}" },
	{ "an object removed except for members of others", "{\"s\":{\"a\":1}}", "{}", "{\"s\":{\"a\":1,\"b\":2}}",
	  "{\"s\":{\"b\":2}}" },
	{ "an object replaces a string", "{\"s\":\"x\"}", "{\"s\":{\"a\":1}}", "{\"s\":\"x\"}", "{\"s\":{\"a\":1}}" },
	{ "a list without names", "{\"args\":[\"a\"]}", "{\"args\":[\"b\"]}", "{\"args\":[\"a\",\"theirs\"]}",
	  "{\"args\":[\"b\"]}" },
	{ "an unchanged list without names", "{\"args\":[\"a\"]}", "{\"args\":[\"a\"]}",
	  "{\"args\":[\"a\",\"theirs\"]}", "{\"args\":[\"a\",\"theirs\"]}" },
	{ "a sidecar before and one after our container", "{\"containers\":[{\"name\":\"web\",\"image\":\"1\"}]}",
	  "{\"containers\":[{\"name\":\"web\",\"image\":\"2\"}]}",
	  "{\"containers\":[{\"name\":\"a\"},{\"name\":\"web\",\"image\":\"1\",\"policy\":\"x\"},{\"name\":\"z\"}]}",
	  "{\"containers\":[{\"name\":\"a\"},{\"name\":\"web\",\"policy\":\"x\",\"image\":\"2\"},{\"name\":\"z\"}]}" },
	{ "injected variables; one changed, one removed, one added",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"1\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"C\",\"value\":\"1\"}]}",
	  "{\"env\":[{\"name\":\"X\"},{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"1\"},{\"name\":"
	  "\"Y\"}]}",
	  "{\"env\":[{\"name\":\"X\"},{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"Y\"},{\"name\":\"C\",\"value\":"
	  "\"1\"}]}" },
	{ "our items reordered", "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
	  "{\"env\":[{\"name\":\"B\"},{\"name\":\"A\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"v\":1},{\"name\":\"X\"},{\"name\":\"B\"}]}",
	  "{\"env\":[{\"name\":\"B\"},{\"name\":\"X\"},{\"name\":\"A\",\"v\":1}]}" },
	{ "an item added between ours", "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
	  "{\"env\":[{\"name\":\"A\"},{\"name\":\"N\"},{\"name\":\"B\"}]}",
	  "{\"env\":[{\"name\":\"A\"},{\"name\":\"X\"},{\"name\":\"B\"}]}",
	  "{\"env\":[{\"name\":\"A\"},{\"name\":\"X\"},{\"name\":\"N\"},{\"name\":\"B\"}]}" },
	{ "an item removed by others is only restored if changed",
	  "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\",\"value\":\"1\"}]}",
	  "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\",\"value\":\"2\"}]}", "{\"env\":[]}",
	  "{\"env\":[{\"name\":\"B\",\"value\":\"2\"}]}" },
	{ "a variable that others added before", "{\"env\":[]}", "{\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"valueFrom\":{}},{\"name\":\"X\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"X\"}]}" },
	{ "duplicate names: replaced as a whole",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"3\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"X\"}]}",
	  "{\"env\":[{\"name\":\"A\",\"value\":\"3\"}]}" },
	{ "the list is missing", "{\"env\":[{\"name\":\"A\"}]}", "{\"env\":[]}", "{}", "{\"env\":[]}" },
	{ "ports of two protocols",
	  "{\"ports\":[{\"containerPort\":53,\"protocol\":\"TCP\"},{\"containerPort\":53,\"protocol\":\"UDP\"}]}",
	  "{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"}]}",
	  "{\"ports\":[{\"containerPort\":53},{\"containerPort\":53,\"protocol\":\"UDP\"},{\"containerPort\":9}]}",
	  "{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"},{\"containerPort\":9}]}" },
	{ "a port of a Service keeps its node port", "{\"ports\":[{\"port\":80,\"name\":\"a\"}]}",
	  "{\"ports\":[{\"port\":80,\"name\":\"b\"},{\"port\":81,\"name\":\"c\"}]}",
	  "{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"name\":\"a\",\"nodePort\":30001}]}",
	  "{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"nodePort\":30001,\"name\":\"b\"},{\"port\":81,\"name\":"
	  "\"c\"}]}" },
	{ "mounts are matched by path", "{\"volumeMounts\":[{\"mountPath\":\"/a\",\"name\":\"v\"}]}",
	  "{\"volumeMounts\":[]}",
	  "{\"volumeMounts\":[{\"mountPath\":\"/a\",\"name\":\"v\"},{\"mountPath\":\"/b\",\"name\":\"v\"}]}",
	  "{\"volumeMounts\":[{\"mountPath\":\"/b\",\"name\":\"v\"}]}" },
};

Test(object_merge, keeps_changes_of_others)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct merge_case *c = &cases[i];
		cleanup_json cJSON *from = tree_of(c->from);
		cleanup_json cJSON *to = tree_of(c->to);
		cleanup_json cJSON *live = tree_of(c->live);
		struct buf text cleanup_buf = buf_make(65536);
		struct json_writer w = json_writer_make(&text);
		struct error err;

		cr_assert_eq(object_merge(from, to, live, &err), RC_OK, "%s", c->name);
		json_tree(&w, NULL, live);
		cr_expect_str_eq(text.data, c->result, "%s: %s", c->name, text.data);
	}
}

static cJSON *environment(int first, int count)
{
	cJSON *object = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(object, "env");
	char name[16];

	for (int i = first; i < first + count; i++) {
		cJSON *variable = cJSON_CreateObject();

		snprintf(name, sizeof(name), "V%d", i);
		cJSON_AddStringToObject(variable, "name", name);
		cJSON_AddItemToArray(list, variable);
	}
	return object;
}

/* As many as fit in a body of 1 MiB: a comparison of all pairs would take minutes. */
Test(object_merge, long_lists_are_merged_in_linear_time)
{
	cleanup_json cJSON *from = environment(0, 30000);
	cleanup_json cJSON *to = environment(10000, 30000);
	cleanup_json cJSON *live = environment(0, 30001);
	int64_t begun_ms = clock_mono_ms();
	struct error err;

	cr_assert_eq(object_merge(from, to, live, &err), RC_OK);
	cr_expect_eq(cJSON_GetArraySize(json_get(live, "env")), 30000);
	cr_expect_lt(clock_mono_ms() - begun_ms, 5000);
}
