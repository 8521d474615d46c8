/* The pure parts of a change: patches, deltas, marks, and the run state. */
#include <criterion/criterion.h>

#include "api-svc/document/merge_patch.h"
#include "common/container/run_state.h"
#include "common/container/spec_delta.h"
#include "kube-worker/change/change_mark.h"

static cJSON *tree_of(const char *text)
{
	cJSON *tree = NULL;
	struct error err;

	cr_assert_eq(json_parse_strict(text, strlen(text), &tree, &err), RC_OK, "%s: %s", text, err.text);
	return tree;
}

static void expect_text(const char *name, const cJSON *tree, const char *text)
{
	struct buf got cleanup_buf = buf_make(65536);
	struct json_writer w = json_writer_make(&got);

	json_tree(&w, NULL, tree);
	cr_expect_str_eq(got.data, text, "%s: %s", name, got.data);
}

/* ---- merge patches: those of RFC 7396, appendix A, as members ---------------------------------------------------- */

static const struct patch_case {
	const char *target;
	const char *patch;
	const char *result;
} patch_cases[] = {
	{ "{\"x\":{\"a\":\"b\"}}", "{\"x\":{\"a\":\"c\"}}", "{\"x\":{\"a\":\"c\"}}" },
	{ "{\"x\":{\"a\":\"b\"}}", "{\"x\":{\"b\":\"c\"}}", "{\"x\":{\"a\":\"b\",\"b\":\"c\"}}" },
	{ "{\"x\":{\"a\":\"b\"}}", "{\"x\":{\"a\":null}}", "{\"x\":{}}" },
	{ "{\"x\":{\"a\":\"b\",\"b\":\"c\"}}", "{\"x\":{\"a\":null}}", "{\"x\":{\"b\":\"c\"}}" },
	{ "{\"x\":{\"a\":[\"b\"]}}", "{\"x\":{\"a\":\"c\"}}", "{\"x\":{\"a\":\"c\"}}" },
	{ "{\"x\":{\"a\":\"c\"}}", "{\"x\":{\"a\":[\"b\"]}}", "{\"x\":{\"a\":[\"b\"]}}" },
	{ "{\"x\":{\"a\":{\"b\":\"c\"}}}", "{\"x\":{\"a\":{\"b\":\"d\",\"c\":null}}}",
	  "{\"x\":{\"a\":{\"b\":\"d\"}}}" },
	{ "{\"x\":{\"a\":[{\"b\":\"c\"}]}}", "{\"x\":{\"a\":[1]}}", "{\"x\":{\"a\":[1]}}" },
	{ "{\"x\":[\"a\",\"b\"]}", "{\"x\":[\"c\",\"d\"]}", "{\"x\":[\"c\",\"d\"]}" },
	{ "{\"x\":{\"a\":\"b\"}}", "{\"x\":[\"c\"]}", "{\"x\":[\"c\"]}" },
	{ "{\"x\":{\"a\":\"foo\"}}", "{\"x\":null}", "{}" },
	{ "{\"x\":{\"a\":\"foo\"}}", "{\"x\":\"bar\"}", "{\"x\":\"bar\"}" },
	{ "{\"x\":{\"e\":null}}", "{\"x\":{\"a\":1}}", "{\"x\":{\"e\":null,\"a\":1}}" },
	{ "{\"x\":[1,2]}", "{\"x\":{\"a\":\"b\",\"c\":null}}", "{\"x\":{\"a\":\"b\"}}" },
	{ "{}", "{\"x\":{\"a\":{\"bb\":{\"ccc\":null}}}}", "{\"x\":{\"a\":{\"bb\":{}}}}" },
	{ "{\"x\":1}", "{\"y\":2}", "{\"x\":1}" },
	{ "{\"x\":{\"a\":1,\"b\":2,\"c\":3}}", "{\"x\":{\"b\":4}}", "{\"x\":{\"a\":1,\"b\":4,\"c\":3}}" },
	{ "{\"x\":[1]}", "{\"x\":[null]}", "{\"x\":[null]}" },
};

Test(container_change, merge_patches)
{
	for (size_t i = 0; i < ARRAY_LEN(patch_cases); i++) {
		cleanup_json cJSON *target = tree_of(patch_cases[i].target);
		cleanup_json cJSON *patch = tree_of(patch_cases[i].patch);

		cr_assert_eq(merge_patch_member(target, patch, "x", NULL), RC_OK);
		expect_text(patch_cases[i].patch, target, patch_cases[i].result);
	}
}

/* ---- deltas and marks -------------------------------------------------------------------------------------------- */

static const char *const specs[] = {
	"{}",
	"{\"a\":1}",
	"{\"a\":{\"b\":{\"c\":[1,2]}}}",
	"{\"a\":{\"b\":{\"c\":[2,1],\"d\":null}}}",
	"{\"a\":{\"b\":7}}",
	"{\"a\":{}}",
	"{\"a\":9007199254740991}",
	"{\"a\":9007199254740990}",
	"{\"a.b\":\"dots and / and ~ are parts of names\"}",
};

Test(container_change, a_delta_turns_any_spec_into_any_other)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		for (size_t k = 0; k < ARRAY_LEN(specs); k++) {
			cleanup_json cJSON *from = tree_of(specs[i]);
			cleanup_json cJSON *to = tree_of(specs[k]);
			cleanup_json cJSON *tree = NULL;
			struct run_state run = { .replicas = 3, .kept = 2, .change = "req:1" };
			struct buf text cleanup_buf = buf_make(CHANGE_MARK_MAX);
			struct change_mark mark;

			cr_assert_eq(change_mark_write("caller", k % 2, from, to, &run, &text, NULL), RC_OK);
			cr_assert_eq(change_mark_read(text.data, &tree, &mark, NULL), RC_OK);
			cr_expect_str_eq(mark.caller, "caller");
			cr_expect_eq(mark.undo, (bool)(k % 2));
			cr_expect_eq(mark.run.replicas, 3);
			cr_expect_eq(mark.run.kept, 2);
			cr_expect_null(mark.run.restarted);
			cr_expect_str_eq(mark.run.change, "req:1");
			cr_assert_eq(spec_delta_apply(mark.delta, from, NULL), RC_OK, "%s to %s", specs[i], specs[k]);
			expect_text(text.data, from, specs[k]);
		}
}

Test(container_change, malformed_marks_are_refused)
{
	static const char *const texts[] = { "",
					     "{",
					     "[]",
					     "{}",
					     "{\"caller\":1,\"delta\":[],\"run\":{\"replicas\":1}}",
					     "{\"caller\":\"x\",\"delta\":{},\"run\":{\"replicas\":1}}",
					     "{\"caller\":\"x\",\"delta\":[],\"run\":{}}" };
	static const char *const deltas[] = { "{}", "[1]", "[{\"at\":[]}]", "[{\"at\":[1]}]",
					      "[{\"at\":[\"no\",\"way\"]}]" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct change_mark mark;
		cJSON *tree = NULL;

		cr_expect_eq(change_mark_read(texts[i], &tree, &mark, NULL), RC_INVALID_ARGUMENT, "%s", texts[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(deltas); i++) {
		cleanup_json cJSON *delta = tree_of(deltas[i]);
		cleanup_json cJSON *spec = tree_of("{\"a\":1}");

		cr_expect_eq(spec_delta_apply(delta, spec, NULL), RC_INVALID_ARGUMENT, "%s", deltas[i]);
	}
}

Test(container_change, a_change_too_large_for_a_mark_is_an_invalid_argument)
{
	cleanup_json cJSON *from = tree_of("{}");
	cleanup_json cJSON *to = cJSON_CreateObject();
	struct run_state run = { .kept = RUN_STATE_RUNS };
	struct buf text cleanup_buf = buf_make(CHANGE_MARK_MAX);
	static char large[CHANGE_MARK_MAX];

	memset(large, 'x', sizeof(large) - 1);
	cJSON_AddStringToObject(to, "large", large);
	cr_expect_eq(change_mark_write("caller", false, from, to, &run, &text, NULL), RC_INVALID_ARGUMENT);
}

/* ---- the run state ----------------------------------------------------------------------------------------------- */

#define HINTS(kubernetes) "{\"provider_hints\":{\"kubernetes\":{" kubernetes "}}}"

static const struct follow_case {
	const char *name;
	int64_t replicas, kept;
	const char *from, *to;
	int64_t then_replicas, then_kept;
} follow_cases[] = {
	{ "unchanged", 5, -1, HINTS("\"replicas\":2"), HINTS("\"replicas\":2"), 5, -1 },
	{ "increased", 2, -1, HINTS("\"replicas\":2"), HINTS("\"replicas\":3"), 3, -1 },
	{ "set for the first time", 4, -1, "{}", HINTS("\"replicas\":3"), 3, -1 },
	{ "removed", 4, -1, HINTS("\"replicas\":4"), "{}", 1, -1 },
	{ "removed while stopped", 0, 4, HINTS("\"replicas\":4"), "{}", 0, 1 },
	{ "0 is removed", 0, 0, HINTS("\"replicas\":0"), "{}", 1, -1 },
	{ "replaced by an autoscaler", 4, -1, HINTS("\"replicas\":4"), HINTS("\"autoscale\":{\"max\":5}"), 4, -1 },
	{ "never set", 4, -1, "{}", "{\"image\":{}}", 4, -1 },
	{ "set to 0", 4, -1, HINTS("\"replicas\":4"), HINTS("\"replicas\":0"), 0, 0 },
	{ "set from 0", 0, 0, HINTS("\"replicas\":0"), HINTS("\"replicas\":3"), 3, -1 },
	{ "changed while stopped", 0, 4, HINTS("\"replicas\":4"), HINTS("\"replicas\":3"), 0, 3 },
	{ "not a number", 2, -1, HINTS("\"replicas\":\"x\""), HINTS("\"replicas\":[]"), 2, -1 },
};

Test(container_change, replicas_follow_the_spec)
{
	for (size_t i = 0; i < ARRAY_LEN(follow_cases); i++) {
		const struct follow_case *c = &follow_cases[i];
		cleanup_json cJSON *from = tree_of(c->from);
		cleanup_json cJSON *to = tree_of(c->to);
		struct run_state state = { .replicas = c->replicas, .kept = c->kept };

		run_state_follow(&state, from, to);
		cr_expect_eq(state.replicas, c->then_replicas, "%s", c->name);
		cr_expect_eq(state.kept, c->then_kept, "%s", c->name);
	}
}

Test(container_change, start_after_stop_restores_the_replicas)
{
	for (int64_t replicas = 0; replicas < 4; replicas++) {
		struct run_state state = { .replicas = replicas, .kept = RUN_STATE_RUNS };

		for (int i = 0; i < 2; i++)
			run_state_stop(&state);
		cr_expect(run_state_is_stopped(&state));
		cr_expect_eq(state.kept, replicas);
		for (int i = 0; i < 2; i++)
			run_state_start(&state);
		cr_expect_eq(state.replicas, replicas ? replicas : 1);
		cr_expect(!run_state_is_stopped(&state));
	}
}

static const struct show_case {
	const char *hints;
	int64_t replicas, kept;
	const char *shown;
} show_cases[] = {
	{ "{\"kubernetes\":{\"replicas\":2,\"x\":1}}", 2, -1, "{\"kubernetes\":{\"replicas\":2,\"x\":1}}" },
	{ "{\"kubernetes\":{\"replicas\":2,\"x\":1}}", 7, -1, "{\"kubernetes\":{\"replicas\":7,\"x\":1}}" },
	{ "{\"kubernetes\":{\"replicas\":2}}", 0, 5, "{\"kubernetes\":{\"replicas\":5}}" },
	{ "{\"kubernetes\":{\"replicas\":2}}", 3, 5, "{\"kubernetes\":{\"replicas\":3}}" },
	{ "{\"kubernetes\":{\"replicas\":2,\"autoscale\":{}}}", 7, -1,
	  "{\"kubernetes\":{\"replicas\":2,\"autoscale\":{}}}" },
	{ "{\"kubernetes\":{\"x\":1}}", 7, -1, "{\"kubernetes\":{\"x\":1}}" },
	{ "{\"kubernetes\":{\"replicas\":\"x\"}}", 7, -1, "{\"kubernetes\":{\"replicas\":\"x\"}}" },
	{ "{\"kubernetes\":7}", 7, -1, "{\"kubernetes\":7}" },
};

Test(container_change, hints_show_the_current_replicas)
{
	for (size_t i = 0; i < ARRAY_LEN(show_cases); i++) {
		cleanup_json cJSON *hints = tree_of(show_cases[i].hints);
		cleanup_json cJSON *own = NULL;
		struct run_state state = { .replicas = show_cases[i].replicas, .kept = show_cases[i].kept };

		expect_text("shown", run_state_show_hints(&state, hints, &own), show_cases[i].shown);
		expect_text("untouched", hints, show_cases[i].hints);
	}
}

Test(container_change, replicas_can_be_set_with_any_hints)
{
	static const char *const before[] = { "{}", "{\"provider_hints\":7}",
					      "{\"provider_hints\":{\"kubernetes\":[]}}", HINTS("\"replicas\":\"x\"") };

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		cleanup_json cJSON *spec = tree_of(before[i]);
		int64_t replicas = 0;

		cr_assert(spec_set_replicas(spec, 4));
		cr_expect(spec_replicas(spec, &replicas) && replicas == 4, "%s", before[i]);
	}
}
