#include "common/container/own_container.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"

cJSON *own_container_skeleton(const cJSON *root)
{
	const char *text = cJSON_GetStringValue(json_get(json_at(root, "metadata.annotations"), ANNOTATION_SPEC));
	cJSON *skeleton = NULL;

	if (!text || json_parse(text, strlen(text), &skeleton, NULL))
		return NULL;
	return skeleton;
}

const cJSON *own_container(const cJSON *root, const cJSON *skeleton)
{
	const cJSON *containers = json_at(root, "spec.template.spec.containers");
	const char *name = json_string_at(skeleton, "metadata.name");
	const cJSON *container = NULL;

	cJSON_ArrayForEach (container, containers)
		if (name && str_equal(json_string_at(container, "name"), name))
			return container;
	return cJSON_GetArrayItem(containers, 0);
}
