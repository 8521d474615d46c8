/* An object of any shape, as each of the kinds: facts, a state, and a response that is valid JSON. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/container_state.h"
#include "common/container/container_view.h"
#include "common/container/kube_cache.h"
#include "common/kube/kube_json.h"
#include "tests/fuzz/fuzz.h"

#define VIEW_MAX (8u * 1024 * 1024)

static void check_json(const char *text)
{
	cleanup_json cJSON *tree = NULL;

	FUZZ_CHECK(text[0] == '\0' || json_parse(text, strlen(text), &tree, NULL) == RC_OK);
}

static void check_fact(enum kube_kind kind, const cJSON *object)
{
	cleanup_free struct fact *fact = NULL;

	if (fact_from_object(kind, object, &fact, NULL))
		return;
	FUZZ_CHECK(fact->name && fact->instance_id && fact->ip && fact->replicas >= 0 && fact->revision >= 0);
	FUZZ_CHECK(strlen(fact->message) <= FACT_MESSAGE_MAX && utf8_valid(fact->message, strlen(fact->message)));
	check_json(fact->service);
}

static void check_cache(const cJSON *object)
{
	struct kube_cache *cache = NULL;
	struct informer_listener listener;

	if (kube_cache_create(RESOURCE_CONTAINER, &cache, NULL))
		return;
	listener = kube_cache_listener(cache);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++) {
		listener.list_begin(listener.ctx, (enum kube_kind)kind);
		FUZZ_CHECK(listener.object(listener.ctx, (enum kube_kind)kind, KUBE_ADDED, object, NULL) == RC_OK);
		listener.list_end(listener.ctx, (enum kube_kind)kind);
	}
	FUZZ_CHECK(kube_cache_size(cache).facts <= 1);
	kube_cache_destroy(cache);
}

static void check_view(const cJSON *object)
{
	struct container_extras extras cleanup_with(container_extras_clear) = container_extras_make();
	struct buf text cleanup_buf = buf_make(VIEW_MAX);
	struct json_writer w = json_writer_make(&text);
	char etag[CONTAINER_ETAG_MAX];
	char alone[CONTAINER_ETAG_MAX];

	if (container_view_write(&w, object, &extras, etag, NULL)) {
		FUZZ_CHECK(text.failed);
		return;
	}
	check_json(text.data);
	FUZZ_CHECK(container_view_etag(object, &extras, alone, NULL) == RC_OK && strcmp(etag, alone) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_json cJSON *object = NULL;

	if (!text || kube_json_parse(text, strlen(text), &object, NULL))
		return 0;
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		check_fact((enum kube_kind)kind, object);
	check_cache(object);
	check_view(object);
	return 0;
}
