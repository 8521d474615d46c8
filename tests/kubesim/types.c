#include "tests/kubesim/types.h"

#include <math.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/defaults.h"

#define QUANTITY_PATTERN "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

enum go_type { GO_STRING, GO_INT32, GO_INT64, GO_BOOL, GO_OBJECT, GO_ARRAY, GO_QUANTITY, GO_INT_OR_STRING };

static const char *const go_names[] = {
	[GO_STRING] = "string", [GO_INT32] = "int32",       [GO_INT64] = "int64",       [GO_BOOL] = "bool",
	[GO_OBJECT] = "struct", [GO_ARRAY] = "[]interface", [GO_QUANTITY] = "Quantity", [GO_INT_OR_STRING] = "string",
};

#define POD "spec.template.spec.containers.*"
#define BARE "spec.containers.*"

/* '*' stands for every element or member. `owner` is the Go struct that the decoder names. */
/* clang-format off */
static const struct type_row {
	const char *path;
	enum go_type type;
	const char *owner;
} rows[] = {
	{ "metadata", GO_OBJECT, "ObjectMeta" },
	{ "metadata.name", GO_STRING, "ObjectMeta" },
	{ "metadata.namespace", GO_STRING, "ObjectMeta" },
	{ "metadata.generateName", GO_STRING, "ObjectMeta" },
	{ "metadata.uid", GO_STRING, "ObjectMeta" },
	{ "metadata.resourceVersion", GO_STRING, "ObjectMeta" },
	{ "metadata.labels", GO_OBJECT, "ObjectMeta" },
	{ "metadata.labels.*", GO_STRING, "ObjectMeta" },
	{ "metadata.annotations", GO_OBJECT, "ObjectMeta" },
	{ "metadata.annotations.*", GO_STRING, "ObjectMeta" },
	{ "metadata.finalizers", GO_ARRAY, "ObjectMeta" },
	{ "metadata.finalizers.*", GO_STRING, "ObjectMeta" },
	{ "metadata.ownerReferences", GO_ARRAY, "ObjectMeta" },
	{ "metadata.ownerReferences.*", GO_OBJECT, "ObjectMeta" },
	{ "metadata.ownerReferences.*.uid", GO_STRING, "OwnerReference" },
	{ "spec", GO_OBJECT, "DeploymentSpec" },
	{ "spec.replicas", GO_INT32, "DeploymentSpec" },
	{ "spec.selector", GO_OBJECT, "DeploymentSpec" },
	{ "spec.selector.matchLabels", GO_OBJECT, "LabelSelector" },
	{ "spec.selector.matchExpressions", GO_ARRAY, "LabelSelector" },
	{ "spec.strategy", GO_OBJECT, "DeploymentSpec" },
	{ "spec.template.metadata.annotations", GO_OBJECT, "ObjectMeta" },
	{ POD ".resources", GO_OBJECT, "Container" },
	{ POD ".resources.requests", GO_OBJECT, "ResourceRequirements" },
	{ POD ".resources.limits", GO_OBJECT, "ResourceRequirements" },
	{ BARE ".resources.requests", GO_OBJECT, "ResourceRequirements" },
	{ BARE ".resources.limits", GO_OBJECT, "ResourceRequirements" },
	{ BARE ".resources.requests.*", GO_QUANTITY, "" },
	{ BARE ".resources.limits.*", GO_QUANTITY, "" },
	{ "spec.selector.matchLabels.*", GO_STRING, "LabelSelector" },
	{ "spec.template", GO_OBJECT, "PodTemplateSpec" },
	{ "spec.template.metadata", GO_OBJECT, "ObjectMeta" },
	{ "spec.template.metadata.labels", GO_OBJECT, "ObjectMeta" },
	{ "spec.template.metadata.labels.*", GO_STRING, "ObjectMeta" },
	{ "spec.template.metadata.annotations.*", GO_STRING, "ObjectMeta" },
	{ "spec.template.spec", GO_OBJECT, "PodSpec" },
	{ "spec.template.spec.containers", GO_ARRAY, "PodSpec" },
	{ POD, GO_OBJECT, "Container" },
	{ POD ".name", GO_STRING, "Container" },
	{ POD ".image", GO_STRING, "Container" },
	{ POD ".command", GO_ARRAY, "Container" },
	{ POD ".command.*", GO_STRING, "Container" },
	{ POD ".args", GO_ARRAY, "Container" },
	{ POD ".args.*", GO_STRING, "Container" },
	{ POD ".env", GO_ARRAY, "Container" },
	{ POD ".env.*.name", GO_STRING, "EnvVar" },
	{ POD ".env.*.value", GO_STRING, "EnvVar" },
	{ POD ".ports", GO_ARRAY, "Container" },
	{ POD ".ports.*.containerPort", GO_INT32, "ContainerPort" },
	{ POD ".ports.*.hostPort", GO_INT32, "ContainerPort" },
	{ POD ".ports.*.name", GO_STRING, "ContainerPort" },
	{ POD ".ports.*.protocol", GO_STRING, "ContainerPort" },
	{ POD ".resources.requests.*", GO_QUANTITY, "" },
	{ POD ".resources.limits.*", GO_QUANTITY, "" },
	{ "spec.containers", GO_ARRAY, "PodSpec" },
	{ BARE, GO_OBJECT, "Container" },
	{ BARE ".name", GO_STRING, "Container" },
	{ BARE ".image", GO_STRING, "Container" },
	{ "spec.ports", GO_ARRAY, "ServiceSpec" },
	{ "spec.ports.*", GO_OBJECT, "ServicePort" },
	{ "spec.ports.*.port", GO_INT32, "ServicePort" },
	{ "spec.ports.*.nodePort", GO_INT32, "ServicePort" },
	{ "spec.ports.*.name", GO_STRING, "ServicePort" },
	{ "spec.ports.*.targetPort", GO_INT_OR_STRING, "ServicePort" },
	{ "spec.selector.*", GO_STRING, "ServiceSpec" },
	{ "spec.type", GO_STRING, "ServiceSpec" },
};
/* clang-format on */

static bool is_whole(const cJSON *v, double limit)
{
	return cJSON_IsNumber(v) && floor(v->valuedouble) == v->valuedouble && fabs(v->valuedouble) <= limit;
}

static bool is_quantity(const cJSON *v)
{
	char text[64];

	return cJSON_IsNumber(v) || (cJSON_IsString(v) && sim_quantity_canonical(v->valuestring, text, sizeof(text)));
}

static bool has_type(const cJSON *v, enum go_type type)
{
	switch (type) {
	case GO_STRING:
		return cJSON_IsString(v);
	case GO_INT32:
		return is_whole(v, 2147483647.0);
	case GO_INT64:
		return is_whole(v, 9007199254740992.0);
	case GO_BOOL:
		return cJSON_IsBool(v);
	case GO_OBJECT:
		return cJSON_IsObject(v);
	case GO_ARRAY:
		return cJSON_IsArray(v);
	case GO_QUANTITY:
		return is_quantity(v);
	case GO_INT_OR_STRING:
		return cJSON_IsString(v) || is_whole(v, 2147483647.0);
	}
	return false;
}

static const char *json_name(const cJSON *v)
{
	return cJSON_IsString(v)   ? "string"
	       : cJSON_IsNumber(v) ? "number"
	       : cJSON_IsBool(v)   ? "bool"
	       : cJSON_IsArray(v)  ? "array"
				   : "object";
}

/* The first value under `path` that is not of the type; NULL: there is none. Values that are missing are right. */
static const cJSON *find_wrong(const cJSON *value, const char *path, enum go_type type)
{
	const char *dot = strchr(path, '.');
	size_t len = dot ? (size_t)(dot - path) : strlen(path);
	const cJSON *child = NULL;

	if (!cJSON_IsObject(value) && !cJSON_IsArray(value))
		return NULL;
	cJSON_ArrayForEach (child, value) {
		const cJSON *wrong;

		if (path[0] != '*' &&
		    (!child->string || strlen(child->string) != len || strncmp(child->string, path, len) != 0))
			continue;
		wrong = dot ? find_wrong(child, dot + 1, type) : has_type(child, type) ? NULL : child;
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* The path as the decoder shows it: without the stars. */
static void shown_path(const char *path, char *out, size_t size)
{
	size_t n = 0;

	for (; *path && n + 1 < size; path++) {
		if (path[0] == '.' && path[1] == '*')
			path++;
		else
			out[n++] = *path;
	}
	out[n] = '\0';
}

bool sim_types_check(const char *kind, const cJSON *tree, char *fault, size_t fault_size)
{
	bool is_service = str_equal(kind, "Service");
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const cJSON *wrong;

		if (strcmp(rows[i].path, "spec.selector.*") == 0 && !is_service)
			continue;
		wrong = find_wrong(tree, rows[i].path, rows[i].type);
		if (!wrong)
			continue;
		shown_path(rows[i].path, path, sizeof(path));
		if (rows[i].type == GO_QUANTITY)
			snprintf(fault, fault_size, "quantities must match the regular expression " QUANTITY_PATTERN);
		else
			snprintf(fault, fault_size, "json: cannot unmarshal %s into Go struct field %s.%s of type %s",
				 json_name(wrong), rows[i].owner, path, go_names[rows[i].type]);
		return false;
	}
	return true;
}
