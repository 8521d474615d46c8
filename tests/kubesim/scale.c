#include "tests/kubesim/scale.h"

#include "tests/kubesim/tree.h"

/* "a=b,c=d" of matchLabels. */
static void write_selector(const cJSON *match_labels, struct buf *out)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, match_labels)
		buf_addf(out, "%s%s=%s", out->len ? "," : "", label->string, label->valuestring);
}

cJSON *sim_scale_tree(const struct sim_object *object)
{
	static const char *const copied[] = { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" };
	struct buf selector cleanup_buf = buf_make(64 * 1024);
	cleanup_json cJSON *tree = sim_object_tree(object);
	cJSON *scale = cJSON_CreateObject();
	cJSON *metadata;
	cJSON *status;

	sim_tree_set_string(scale, "kind", "Scale");
	sim_tree_set_string(scale, "apiVersion", "autoscaling/v1");
	metadata = sim_tree_child(scale, "metadata");
	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		sim_tree_set(metadata, copied[i], sim_tree_copy(json_get(json_get(tree, "metadata"), copied[i])));
	sim_tree_set_int(sim_tree_child(scale, "spec"), "replicas", json_int_at(tree, "spec.replicas", 0));
	status = sim_tree_child(scale, "status");
	sim_tree_set_int(status, "replicas", json_int_at(tree, "status.replicas", 0));
	write_selector(json_at(tree, "spec.selector.matchLabels"), &selector);
	sim_tree_set_string(status, "selector", selector.data);
	return scale;
}

void sim_scale_write(const struct sim_object *object, struct buf *out)
{
	cleanup_json cJSON *scale = sim_scale_tree(object);
	cleanup_free char *text = cJSON_PrintUnformatted(scale);

	buf_add_str(out, text ? text : "{}");
}
