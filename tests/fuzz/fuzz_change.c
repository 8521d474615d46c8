/* Merges: an array of the previous desired object, the new one, and the existing one. */
#include <string.h>

#include "common/container/object_merge.h"
#include "common/container/spec_delta.h"
#include "common/services/json_write.h"
#include "kube-worker/change/change_mark.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1u << 20)

#define NUMBER_MAX (INT64_C(1) << 40) /* our objects have no larger ones, which a double cannot distinguish */

static bool has_odd_number(const cJSON *value)
{
	const cJSON *item = NULL;
	int64_t number = 0;

	if (cJSON_IsNumber(value))
		return !json_is_int(value, &number) || number > NUMBER_MAX || number < -NUMBER_MAX;
	cJSON_ArrayForEach (item, value)
		if (has_odd_number(item))
			return true;
	return false;
}

static bool same(const cJSON *a, const cJSON *b)
{
	struct buf of_a cleanup_buf = buf_make(TEXT_MAX);
	struct buf of_b cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer to_a = json_writer_make(&of_a);
	struct json_writer to_b = json_writer_make(&of_b);

	return json_canonical(&to_a, NULL, a, NULL) == RC_OK && json_canonical(&to_b, NULL, b, NULL) == RC_OK &&
	       (of_a.failed || of_b.failed || strcmp(of_a.data, of_b.data) == 0);
}

static void check_merge(const cJSON *from, const cJSON *to, const cJSON *live)
{
	cleanup_json cJSON *alone = cJSON_Duplicate(from, 1);
	cleanup_json cJSON *once = cJSON_Duplicate(live, 1);
	cleanup_json cJSON *twice = NULL;

	FUZZ_CHECK(object_merge(from, to, alone, NULL) == RC_OK);
	FUZZ_CHECK(cJSON_Compare(alone, to, true)); /* nothing else has changed */
	FUZZ_CHECK(object_merge(from, to, once, NULL) == RC_OK);
	twice = cJSON_Duplicate(once, 1);
	FUZZ_CHECK(object_merge(from, to, twice, NULL) == RC_OK);
	FUZZ_CHECK(same(once, twice));
}

static void check_mark(const cJSON *from, const cJSON *to)
{
	const struct run_state run = { .replicas = 1, .kept = RUN_STATE_RUNS };
	struct buf text cleanup_buf = buf_make(CHANGE_MARK_MAX);
	cleanup_json cJSON *tree = NULL;
	cleanup_json cJSON *spec = cJSON_Duplicate(from, 1);
	struct change_mark mark;

	if (change_mark_write("caller", false, from, to, &run, &text, NULL))
		return;
	if (change_mark_read(text.data, &tree, &mark, NULL))
		return; /* nested deeper than the limit */
	FUZZ_CHECK(spec_delta_apply(mark.delta, spec, NULL) == RC_OK && same(spec, to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json cJSON *tree = NULL;
	const cJSON *from;
	const cJSON *to;
	const cJSON *live;

	if (json_parse_strict((const char *)data, size, &tree, NULL))
		return 0;
	from = cJSON_GetArrayItem(tree, 0);
	to = cJSON_GetArrayItem(tree, 1);
	live = cJSON_GetArrayItem(tree, 2);
	if (!cJSON_IsObject(from) || !cJSON_IsObject(to) || !cJSON_IsObject(live))
		return 0;
	if (!has_odd_number(tree))
		check_merge(from, to, live);
	check_mark(from, to);
	return 0;
}
