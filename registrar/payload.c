#include "registrar/payload.h"

#include <string.h>

#include "common/services/json_write.h"

#define PROVIDERS_PATH "/providers"

static void add_without_slashes(struct buf *out, const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	buf_add(out, url, len);
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void write_metadata(struct json_writer *w, const struct registrar_config *config)
{
	if (!config->region[0] && !config->zone[0])
		return;
	json_begin_object(w, "metadata");
	json_optional_string(w, "region_code", text_or_null(config->region));
	json_optional_string(w, "zone", text_or_null(config->zone));
	json_end_object(w);
}

void payload_write(const struct registrar_config *config, enum resource_type type, struct buf *out)
{
	static const char *const operations[] = { "CREATE", "DELETE", "READ", "UPDATE" };
	const struct resource *resource = resource_row(type);
	struct buf endpoint cleanup_buf = buf_make(PAYLOAD_MAX);
	struct json_writer w = json_writer_make(out);

	add_without_slashes(&endpoint, config->endpoint);
	buf_add_str(&endpoint, resource->path);
	json_begin_object(&w, NULL);
	json_string(&w, "name", config->name);
	json_string(&w, "service_type", resource->name);
	json_string(&w, "schema_version", "v1alpha1");
	json_string(&w, "endpoint", endpoint.data);
	json_begin_array(&w, "operations");
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		json_string(&w, NULL, operations[i]);
	json_end_array(&w);
	json_optional_string(&w, "display_name", text_or_null(config->display_name));
	write_metadata(&w, config);
	json_end_object(&w);
}

void payload_write_url(const struct registrar_config *config, struct buf *out)
{
	add_without_slashes(out, config->registration_url);
	buf_add_str(out, PROVIDERS_PATH);
}

void payload_write_shown(const char *url, struct buf *out)
{
	const char *start = strstr(url, "://");
	size_t len;
	const char *at;

	start = start ? start + strlen("://") : url;
	len = strcspn(start, "/?#");
	at = memrchr(start, '@', len);
	buf_add(out, url, (size_t)(start - url));
	buf_add_str(out, at ? at + 1 : start);
}
