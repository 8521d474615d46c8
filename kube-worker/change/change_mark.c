#include "kube-worker/change/change_mark.h"

#include <string.h>

#include "common/container/spec_delta.h"

enum rc change_mark_write(const char *caller, bool undo, const cJSON *spec, const cJSON *other,
			  const struct run_state *other_run, struct buf *out, struct error *err)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "caller", caller ? caller : "");
	json_bool(&w, "undo", undo);
	spec_delta_write(&w, "delta", spec, other);
	json_begin_object(&w, "run");
	json_int(&w, "replicas", other_run->replicas);
	json_int(&w, "kept", other_run->kept);
	json_optional_string(&w, "restarted", other_run->restarted);
	json_optional_string(&w, "change", other_run->change);
	json_end_object(&w);
	json_end_object(&w);
	if (out->failed == RC_TOO_LARGE)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "too many changes together with the Service or the autoscaler: use two updates");
	return buf_check(out, err);
}

enum rc change_mark_read(const char *text, cJSON **ret_tree, struct change_mark *ret_mark, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	struct change_mark mark;
	enum rc rc = json_parse(text, strlen(text), &tree, err);

	if (rc)
		return rc;
	mark = (struct change_mark){
		.caller = json_string_at(tree, "caller"),
		.undo = json_true_at(tree, "undo"),
		.delta = json_get(tree, "delta"),
		.run = {
			.replicas = json_int_at(tree, "run.replicas", -1),
			.kept = json_int_at(tree, "run.kept", RUN_STATE_RUNS),
			.restarted = json_string_at(tree, "run.restarted"),
			.change = json_string_at(tree, "run.change"),
		},
	};
	if (!mark.caller || !cJSON_IsArray(mark.delta) || mark.run.replicas < 0)
		return error_set(err, RC_INVALID_ARGUMENT, "malformed mark of a change");
	*ret_mark = mark;
	*ret_tree = TAKE(tree);
	return RC_OK;
}
