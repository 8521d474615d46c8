#include "kube-worker/container_mark.h"

#include "common/container/labels.h"
#include "common/services/json_write.h"
#include "kube-worker/op_kube.h"

#define PATCH_MAX 4096

const char *container_annotation(const cJSON *deployment, const char *name)
{
	return cJSON_GetStringValue(json_get(json_at(deployment, "metadata.annotations"), name));
}

const char *container_token(const cJSON *deployment)
{
	return container_annotation(deployment, ANNOTATION_TOKEN);
}

const char *container_owed_to(const cJSON *deployment)
{
	return container_annotation(deployment, ANNOTATION_OWED);
}

/* value NULL: the annotation goes. */
static enum rc annotate(struct op_call *call, const char *name, const char *uid, const char *annotation_name,
			const char *value, struct error *err)
{
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct buf patch cleanup_buf = buf_make(PATCH_MAX);
	struct json_writer w = json_writer_make(&patch);

	json_begin_object(&w, NULL);
	json_begin_object(&w, "metadata");
	json_string(&w, "uid", uid);
	json_begin_object(&w, "annotations");
	if (value)
		json_string(&w, annotation_name, value);
	else
		json_raw(&w, annotation_name, "null", sizeof("null") - 1);
	json_end_object(&w);
	json_end_object(&w);
	json_end_object(&w);
	return op_kube_patch(call, KUBE_DEPLOYMENT, name, &patch, &reply, err);
}

enum rc container_mark_owed(struct op_call *call, const cJSON *deployment, const char *caller, struct error *err)
{
	return annotate(call, json_string_at(deployment, "metadata.name"), json_string_at(deployment, "metadata.uid"),
			ANNOTATION_OWED, caller, err);
}

/* Another uid is "invalid": field is immutable (client-go's controller_ref_manager.go says so as well). */
static enum rc unless_gone(enum rc rc)
{
	return rc == RC_NOT_FOUND || rc == RC_CONFLICT || rc == RC_INVALID_ARGUMENT ? RC_OK : rc;
}

enum rc container_mark_settled(struct op_call *call, const char *name, const char *uid, struct error *err)
{
	return unless_gone(annotate(call, name, uid, ANNOTATION_OWED, NULL, err));
}

enum rc container_mark_problem(struct op_call *call, const char *name, const char *uid, const char *problem,
			       struct error *err)
{
	return unless_gone(annotate(call, name, uid, ANNOTATION_PROBLEM, problem, err));
}
