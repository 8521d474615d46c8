/* A kubeconfig, and its YAML: rejected with a message, or within the limits and normalised. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/exec_credential.h"
#include "common/kube/kube_headers.h"
#include "common/services/json_write.h"
#include "common/services/log.h"
#include "common/services/yaml.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (64u * 1024 * 1024)

static size_t height(const cJSON *node)
{
	const cJSON *child = NULL;
	size_t highest = 0;

	cJSON_ArrayForEach (child, node) {
		size_t h = height(child);

		highest = h > highest ? h : highest;
	}
	return cJSON_IsObject(node) || cJSON_IsArray(node) ? highest + 1 : 0;
}

static void check_yaml(const char *text, size_t len)
{
	struct buf json cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&json);
	cleanup_json cJSON *tree = NULL;
	cleanup_json cJSON *again = NULL;
	struct error err = { .rc = RC_OK };

	if (yaml_parse(text, len, &tree, &err)) {
		FUZZ_CHECK(err.text[0] && !tree);
		return;
	}
	FUZZ_CHECK(height(tree) <= YAML_DEPTH_MAX);
	json_tree(&w, NULL, tree);
	FUZZ_CHECK(json_parse(json.data, json.len, &again, &err) == RC_OK);
}

static void check_config(const char *text, size_t len)
{
	const struct kubeconfig_text file = { .path = "/f/config", .text = text, .len = len };
	struct buf info cleanup_buf = buf_make(TEXT_MAX);
	struct kubeconfig_list headers = { 0 };
	struct kubeconfig *config = NULL;
	struct error err = { .rc = RC_OK };
	enum rc rc = kubeconfig_parse(&file, 1, &config, &err);

	if (rc) {
		FUZZ_CHECK(rc == RC_INVALID_ARGUMENT && str_has_prefix(err.text, "/f/config"));
		return;
	}
	FUZZ_CHECK(str_has_prefix(config->server, "https://") ||
		   (str_has_prefix(config->server, "http://") && !config->token && !config->exec.command));
	FUZZ_CHECK(!strpbrk(config->server, " \r\n?#"));
	if (kube_headers_compose(config, &headers, NULL) == RC_OK)
		for (size_t i = 0; i < headers.count; i++)
			FUZZ_CHECK(!strpbrk(headers.items[i], "\r\n"));
	kube_headers_clear(&headers);
	exec_credential_add_info(config, NULL, &info);
	kubeconfig_destroy(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_init("fuzz", LOG_ERROR);
	check_yaml((const char *)data, size);
	check_config((const char *)data, size);
	return 0;
}
