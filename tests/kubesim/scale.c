#include "tests/kubesim/scale.h"

#include <inttypes.h>

#include "tests/kubesim/tree.h"

#define SELECTOR_MAX ((size_t)64 * 1024) /* bytes */

cJSON *sim_scale_tree(const struct sim_object *object)
{
	struct buf selector cleanup_buf = buf_make(SELECTOR_MAX);
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *scale = cJSON_CreateObject();
	const cJSON *label = NULL;
	cJSON *metadata;
	cJSON *status;
	char version[32];

	snprintf(version, sizeof(version), "%" PRIu64, object->version);
	cJSON_ArrayForEach (label, json_at(tree, "spec.selector.matchLabels"))
		buf_addf(&selector, "%s%s=%s", selector.len ? "," : "", label->string, label->valuestring);
	sim_tree_set_string(scale, "kind", "Scale");
	sim_tree_set_string(scale, "apiVersion", "autoscaling/v1");
	metadata = sim_tree_child(scale, "metadata");
	sim_tree_set_string(metadata, "name", object->name);
	sim_tree_set_string(metadata, "namespace", object->ns);
	sim_tree_set_string(metadata, "uid", object->uid);
	sim_tree_set_string(metadata, "resourceVersion", version);
	sim_tree_set_count(sim_tree_child(scale, "spec"), "replicas", json_int_at(tree, "spec.replicas", 0));
	status = sim_tree_child(scale, "status");
	sim_tree_set_int(status, "replicas", json_int_at(tree, "status.replicas", 0));
	sim_tree_set_string(status, "selector", selector.data);
	return scale;
}

void sim_scale_write(const struct sim_object *object, struct buf *out)
{
	cleanup_json cJSON *scale = sim_scale_tree(object);
	struct json_writer w = json_writer_make(out);

	json_tree(&w, NULL, scale);
}
