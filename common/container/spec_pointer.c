#include "common/container/spec_pointer.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/compiler.h"

#define CONTAINER "spec.template.spec.containers[0]."

/* '#' matches an index, on both sides. The first row whose field is a prefix applies; longer ones come first. */
/* clang-format off */
static const struct row {
	const char *field;
	const char *pointer;
} rows[] = {
	{ CONTAINER "name",                       "/spec/metadata/name" },
	{ CONTAINER "image",                      "/spec/image/reference" },
	{ CONTAINER "resources.requests[cpu]",    "/spec/resources/cpu/min" },
	{ CONTAINER "resources.limits[cpu]",      "/spec/resources/cpu/max" },
	{ CONTAINER "resources.requests[memory]", "/spec/resources/memory/min" },
	{ CONTAINER "resources.limits[memory]",   "/spec/resources/memory/max" },
	{ CONTAINER "resources",                  "/spec/resources" },
	{ CONTAINER "command",                    "/spec/process/command" },
	{ CONTAINER "args",                       "/spec/process/args" },
	{ CONTAINER "env[#].name",                "/spec/process/env/#/name" },
	{ CONTAINER "env[#].value",               "/spec/process/env/#/value" },
	{ CONTAINER "env[#]",                     "/spec/process/env/#" },
	{ CONTAINER "env",                        "/spec/process/env" },
	{ CONTAINER "ports[#].containerPort",     "/spec/network/ports/#/container_port" },
	{ CONTAINER "ports[#]",                   "/spec/network/ports/#" },
	{ CONTAINER "ports",                      "/spec/network/ports" },
	{ "spec.replicas",                        "/spec/provider_hints/kubernetes/replicas" },
	{ "spec.strategy",                        "/spec/provider_hints/kubernetes/strategy" },
	{ "spec.minReplicas",                     "/spec/provider_hints/kubernetes/autoscale/min" },
	{ "spec.maxReplicas",                     "/spec/provider_hints/kubernetes/autoscale/max" },
	{ "spec.metrics",                         "/spec/provider_hints/kubernetes/autoscale" },
	{ "spec.template.metadata.labels",        "/spec/metadata/labels" },
	{ "spec.template.labels",                 "/spec/metadata/labels" },
	{ "metadata.labels",                      "/spec/metadata/labels" },
	{ "metadata.annotations",                 "/spec/provider_hints" },
	{ "metadata.name",                        "/query/id" },
	{ "spec.ports",                           "/spec/network/ports" },
};
/* clang-format on */

/* Whether the pattern is a prefix of the field. Returns the index matched by '#'. */
static bool matches(const char *pattern, const char *field, const char **index, size_t *index_len)
{
	for (; *pattern; pattern++) {
		if (*pattern != '#') {
			if (*field++ != *pattern)
				return false;
			continue;
		}
		*index = field;
		*index_len = strspn(field, "0123456789");
		if (*index_len == 0)
			return false;
		field += *index_len;
	}
	return true;
}

void spec_pointer_add(const char *field, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *index = "";
		size_t index_len = 0;
		const char *hash = strchr(rows[i].pointer, '#');

		if (!matches(rows[i].field, field, &index, &index_len))
			continue;
		if (!hash) {
			buf_add_str(out, rows[i].pointer);
			return;
		}
		buf_add(out, rows[i].pointer, (size_t)(hash - rows[i].pointer));
		buf_add(out, index, index_len);
		buf_add_str(out, hash + 1);
		return;
	}
}
