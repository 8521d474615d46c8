/*
 * The body of a create, from the client's bytes to the Deployment and back: an accepted body is returned equal, and is
 * accepted again.
 */
#include <string.h>

#include "api-svc/document/openapi.h"
#include "api-svc/document/projection.h"
#include "api-svc/request_body.h"
#include "common/container/container_view.h"
#include "common/container/container_write.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (8u * 1024 * 1024)

static const struct schema *create_schema(void)
{
	static struct openapi *openapi;
	size_t len;
	const char *text = openapi_embedded(&len);

	if (!openapi)
		FUZZ_CHECK(openapi_load(text, len, &openapi, NULL) == RC_OK);
	return openapi_operation(openapi, "createContainer")->body;
}

/* The request to a worker, {"spec": ...}; NULL: rejected, with a reason. */
static cJSON *accept(const char *body, size_t len)
{
	struct request_body_source source = {
		.content_type = "application/json", .body = body, .len = len, .has_key = true
	};
	struct faults faults cleanup_faults = { .count = 0 };
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_json cJSON *tree = NULL;
	cJSON *sent = NULL;
	bool bare;

	request_body_read(&source, create_schema(), &faults, &bare, &tree);
	if (faults_any(&faults))
		return NULL;
	json_begin_object(&w, NULL);
	projection_write(create_schema(), tree, &w);
	json_end_object(&w);
	FUZZ_CHECK(buf_check(&text, NULL) == RC_OK);
	FUZZ_CHECK(json_parse(text.data, text.len, &sent, NULL) == RC_OK);
	return sent;
}

/* {"spec": ...} as a GET shows it of the Deployment that the spec becomes; empty: it does not fit. */
static void show(const cJSON *spec, struct buf *out)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	struct buf object cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct buf view cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer view_writer = json_writer_make(&view);
	struct json_writer w = json_writer_make(out);
	const struct container_origin origin = { .token = "req:1", .digest = "" };
	cleanup_json cJSON *deployment = NULL;
	cleanup_json cJSON *tree = NULL;

	if (container_write_deployment("id", spec, NULL, &origin, &object, NULL))
		return;
	FUZZ_CHECK(json_parse(object.data, object.len, &deployment, NULL) == RC_OK);
	FUZZ_CHECK(container_view_write(&view_writer, deployment, &extras, NULL, NULL) == RC_OK);
	FUZZ_CHECK(json_parse(view.data, view.len, &tree, NULL) == RC_OK);
	json_begin_object(&w, NULL);
	json_tree(&w, "spec", json_get(tree, "spec"));
	json_end_object(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json cJSON *sent = NULL;
	cleanup_json cJSON *shown = NULL;
	cleanup_json cJSON *again = NULL;
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct buf body cleanup_buf = buf_make(size);

	buf_add(&body, data, size);
	sent = accept(body.data, body.len);
	if (!sent)
		return 0;
	show(json_get(sent, "spec"), &text);
	if (text.len == 0)
		return 0;
	FUZZ_CHECK(json_parse(text.data, text.len, &shown, NULL) == RC_OK);
	FUZZ_CHECK(cJSON_Compare(sent, shown, true));
	again = accept(text.data, text.len);
	FUZZ_CHECK(again);
	FUZZ_CHECK(cJSON_Compare(again, shown, true));
	return 0;
}
