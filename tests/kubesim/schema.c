#include "tests/kubesim/schema.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/quantity.h"
#include "tests/kubesim/tree.h"

#define QUANTITY_DIGITS_MAX 15 /* more may not fit into 64 bits of thousandths */

/* ---- the tables. Source: the API's Go types (k8s.io/api) --------------------------------------------------------- */

/* clang-format off */
#define VALUE(member, of_type) { .name = (member), .type = (of_type) }
#define POINTER(member, to_type) { .name = (member), .type = (to_type), .may_be_empty = true }
#define LIST(member, of_type) { .name = (member), .type = (of_type), .shape = SCHEMA_LIST }
#define MAP(member, of_type) { .name = (member), .type = (of_type), .shape = SCHEMA_MAP }
#define STRUCT(member, table) { .name = (member), .type = SCHEMA_STRUCT, .members = (table) }
#define STRUCTS(member, table) { .name = (member), .type = SCHEMA_STRUCT, .shape = SCHEMA_LIST, .members = (table) }
#define END { .name = NULL }
/* clang-format on */

static const struct schema_member owner[] = {
	VALUE("apiVersion", SCHEMA_STRING),
	VALUE("kind", SCHEMA_STRING),
	VALUE("name", SCHEMA_STRING),
	VALUE("uid", SCHEMA_STRING),
	POINTER("controller", SCHEMA_BOOL),
	POINTER("blockOwnerDeletion", SCHEMA_BOOL),
	END,
};

static const struct schema_member metadata[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("generateName", SCHEMA_STRING),
	VALUE("namespace", SCHEMA_STRING),
	VALUE("uid", SCHEMA_STRING),
	VALUE("resourceVersion", SCHEMA_STRING),
	VALUE("generation", SCHEMA_INT64),
	VALUE("creationTimestamp", SCHEMA_TIME),
	VALUE("deletionTimestamp", SCHEMA_TIME),
	POINTER("deletionGracePeriodSeconds", SCHEMA_INT64),
	MAP("labels", SCHEMA_STRING),
	MAP("annotations", SCHEMA_STRING),
	LIST("finalizers", SCHEMA_STRING),
	STRUCTS("ownerReferences", owner),
	VALUE("managedFields", SCHEMA_ANY),
	END,
};

static const struct schema_member secret_key[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("key", SCHEMA_STRING),
	POINTER("optional", SCHEMA_BOOL),
	END,
};

static const struct schema_member value_from[] = { STRUCT("secretKeyRef", secret_key), END };

static const struct schema_member env[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("value", SCHEMA_STRING),
	STRUCT("valueFrom", value_from),
	END,
};

static const struct schema_member container_port[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("containerPort", SCHEMA_INT32),
	VALUE("protocol", SCHEMA_STRING),
	END,
};

static const struct schema_member resources[] = {
	MAP("limits", SCHEMA_QUANTITY),
	MAP("requests", SCHEMA_QUANTITY),
	END,
};

static const struct schema_member container[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("image", SCHEMA_STRING),
	VALUE("imagePullPolicy", SCHEMA_STRING),
	LIST("command", SCHEMA_STRING),
	LIST("args", SCHEMA_STRING),
	STRUCTS("env", env),
	STRUCTS("ports", container_port),
	STRUCT("resources", resources),
	VALUE("terminationMessagePath", SCHEMA_STRING),
	VALUE("terminationMessagePolicy", SCHEMA_STRING),
	END,
};

static const struct schema_member nothing[] = { END };

static const struct schema_member pod_spec[] = {
	STRUCTS("containers", container),
	STRUCTS("initContainers", container),
	VALUE("restartPolicy", SCHEMA_STRING),
	POINTER("terminationGracePeriodSeconds", SCHEMA_INT64),
	VALUE("dnsPolicy", SCHEMA_STRING),
	VALUE("schedulerName", SCHEMA_STRING),
	STRUCT("securityContext", nothing),
	VALUE("nodeName", SCHEMA_STRING),
	VALUE("hostname", SCHEMA_STRING),
	VALUE("subdomain", SCHEMA_STRING),
	POINTER("automountServiceAccountToken", SCHEMA_BOOL),
	END,
};

static const struct schema_member template[] = {
	STRUCT("metadata", metadata),
	STRUCT("spec", pod_spec),
	END,
};

static const struct schema_member selector[] = { MAP("matchLabels", SCHEMA_STRING), END };

static const struct schema_member rolling_update[] = {
	POINTER("maxSurge", SCHEMA_INT_OR_STRING),
	POINTER("maxUnavailable", SCHEMA_INT_OR_STRING),
	END,
};

static const struct schema_member strategy[] = {
	VALUE("type", SCHEMA_STRING),
	STRUCT("rollingUpdate", rolling_update),
	END,
};

static const struct schema_member deployment_spec[] = {
	POINTER("replicas", SCHEMA_INT32),
	STRUCT("selector", selector),
	STRUCT("template", template),
	STRUCT("strategy", strategy),
	VALUE("minReadySeconds", SCHEMA_INT32),
	POINTER("revisionHistoryLimit", SCHEMA_INT32),
	VALUE("paused", SCHEMA_BOOL),
	POINTER("progressDeadlineSeconds", SCHEMA_INT32),
	END,
};

static const struct schema_member partition[] = { POINTER("partition", SCHEMA_INT32), END };

static const struct schema_member update_strategy[] = {
	VALUE("type", SCHEMA_STRING),
	STRUCT("rollingUpdate", partition),
	END,
};

static const struct schema_member claim_retention[] = {
	VALUE("whenDeleted", SCHEMA_STRING),
	VALUE("whenScaled", SCHEMA_STRING),
	END,
};

static const struct schema_member statefulset_spec[] = {
	POINTER("replicas", SCHEMA_INT32),
	STRUCT("selector", selector),
	STRUCT("template", template),
	VALUE("serviceName", SCHEMA_STRING),
	VALUE("podManagementPolicy", SCHEMA_STRING),
	STRUCT("updateStrategy", update_strategy),
	POINTER("revisionHistoryLimit", SCHEMA_INT32),
	STRUCT("persistentVolumeClaimRetentionPolicy", claim_retention),
	END,
};

static const struct schema_member replicaset_spec[] = {
	POINTER("replicas", SCHEMA_INT32),
	VALUE("minReadySeconds", SCHEMA_INT32),
	STRUCT("selector", selector),
	STRUCT("template", template),
	END,
};

static const struct schema_member service_port[] = {
	VALUE("name", SCHEMA_STRING),    VALUE("protocol", SCHEMA_STRING),
	VALUE("port", SCHEMA_INT32),     VALUE("targetPort", SCHEMA_INT_OR_STRING),
	VALUE("nodePort", SCHEMA_INT32), END,
};

static const struct schema_member service_spec[] = {
	VALUE("type", SCHEMA_STRING),
	MAP("selector", SCHEMA_STRING),
	STRUCTS("ports", service_port),
	VALUE("clusterIP", SCHEMA_STRING),
	LIST("clusterIPs", SCHEMA_STRING),
	VALUE("sessionAffinity", SCHEMA_STRING),
	VALUE("publishNotReadyAddresses", SCHEMA_BOOL),
	END,
};

static const struct schema_member namespace_spec[] = { LIST("finalizers", SCHEMA_STRING), END };
static const struct schema_member scale_spec[] = { VALUE("replicas", SCHEMA_INT32), END };

static const struct schema_member scale_target[] = {
	VALUE("apiVersion", SCHEMA_STRING),
	VALUE("kind", SCHEMA_STRING),
	VALUE("name", SCHEMA_STRING),
	END,
};

static const struct schema_member metric_target[] = {
	VALUE("type", SCHEMA_STRING),
	POINTER("averageUtilization", SCHEMA_INT32),
	END,
};

static const struct schema_member metric_resource[] = {
	VALUE("name", SCHEMA_STRING),
	STRUCT("target", metric_target),
	END,
};

static const struct schema_member metric[] = {
	VALUE("type", SCHEMA_STRING),
	STRUCT("resource", metric_resource),
	END,
};

static const struct schema_member autoscaler_spec[] = {
	STRUCT("scaleTargetRef", scale_target),
	POINTER("minReplicas", SCHEMA_INT32),
	VALUE("maxReplicas", SCHEMA_INT32),
	STRUCTS("metrics", metric),
	END,
};

static const struct schema_member preconditions[] = {
	POINTER("uid", SCHEMA_STRING),
	POINTER("resourceVersion", SCHEMA_STRING),
	END,
};

#define OBJECT_OF(spec_table)                                                                                   \
	{                                                                                                       \
		VALUE("kind", SCHEMA_STRING), VALUE("apiVersion", SCHEMA_STRING), STRUCT("metadata", metadata), \
			STRUCT("spec", spec_table), VALUE("status", SCHEMA_OBJECT), END,                        \
	}

const struct schema_member schema_pod[] = OBJECT_OF(pod_spec);
const struct schema_member schema_service[] = OBJECT_OF(service_spec);
const struct schema_member schema_namespace[] = OBJECT_OF(namespace_spec);
const struct schema_member schema_deployment[] = OBJECT_OF(deployment_spec);
const struct schema_member schema_statefulset[] = OBJECT_OF(statefulset_spec);
const struct schema_member schema_replicaset[] = OBJECT_OF(replicaset_spec);
const struct schema_member schema_scale[] = OBJECT_OF(scale_spec);
const struct schema_member schema_autoscaler[] = OBJECT_OF(autoscaler_spec);

const struct schema_member schema_delete_options[] = {
	VALUE("kind", SCHEMA_STRING),
	VALUE("apiVersion", SCHEMA_STRING),
	POINTER("gracePeriodSeconds", SCHEMA_INT64),
	VALUE("propagationPolicy", SCHEMA_STRING),
	LIST("dryRun", SCHEMA_STRING),
	STRUCT("preconditions", preconditions),
	END,
};

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static enum schema_fault apply_struct(const struct schema_member *members, cJSON *tree, struct buf *where);

static bool is_int(const cJSON *value, enum schema_type type)
{
	int64_t number;

	return json_is_int(value, &number) && (type != SCHEMA_INT32 || (number >= INT32_MIN && number <= INT32_MAX));
}

/* A number becomes text. Larger numbers are not supported. */
static enum schema_fault check_quantity(cJSON *value)
{
	cleanup_free char *printed = cJSON_IsNumber(value) ? cJSON_PrintUnformatted(value) : NULL;
	const char *text = printed ? printed : cJSON_GetStringValue(value);
	int64_t amount;

	if (!text)
		return SCHEMA_MISTYPED;
	text += text[0] == '-';
	if (!quantity_parse(text, 1000, &amount) && !quantity_parse(text, 1, &amount))
		return strspn(text, ".0123456789") > QUANTITY_DIGITS_MAX || strpbrk(text, "+eEPT") ? SCHEMA_UNKNOWN
												   : SCHEMA_MISTYPED;
	if (printed) {
		value->type = cJSON_String | (value->type & cJSON_StringIsConst);
		value->valuestring = TAKE(printed);
	}
	return SCHEMA_OK;
}

/* "2006-01-02T15:04:05Z", as returned; other forms are not supported. */
static enum schema_fault check_time(const cJSON *value)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	const char *text = cJSON_GetStringValue(value);
	size_t i = 0;

	if (!text)
		return SCHEMA_MISTYPED;
	while (text[i] && (text[i] == form[i] || (form[i] == '0' && text[i] >= '0' && text[i] <= '9')))
		i++;
	return text[i] == form[i] ? SCHEMA_OK : SCHEMA_UNKNOWN;
}

static enum schema_fault apply_one(const struct schema_member *m, cJSON *value, struct buf *where)
{
	bool right = true;

	switch (m->type) {
	case SCHEMA_STRUCT:
		return cJSON_IsObject(value) ? apply_struct(m->members, value, where) : SCHEMA_MISTYPED;
	case SCHEMA_STRING:
		right = cJSON_IsString(value);
		break;
	case SCHEMA_INT32:
	case SCHEMA_INT64:
		right = is_int(value, m->type);
		break;
	case SCHEMA_BOOL:
		right = cJSON_IsBool(value);
		break;
	case SCHEMA_INT_OR_STRING:
		right = is_int(value, SCHEMA_INT32) || cJSON_IsString(value);
		break;
	case SCHEMA_QUANTITY:
		return check_quantity(value);
	case SCHEMA_TIME:
		return check_time(value);
	case SCHEMA_OBJECT:
		right = cJSON_IsObject(value);
		sim_tree_drop_nulls(value);
		break;
	case SCHEMA_ANY:
		sim_tree_drop_nulls(value);
		break;
	}
	return right ? SCHEMA_OK : SCHEMA_MISTYPED;
}

/* In lists and maps null is the zero value of the type. */
static cJSON *zero_of(enum schema_type type)
{
	if (type == SCHEMA_STRUCT)
		return cJSON_CreateObject();
	return cJSON_CreateString(type == SCHEMA_QUANTITY ? "0" : "");
}

static enum schema_fault apply_many(const struct schema_member *m, cJSON *value, struct buf *where)
{
	enum schema_fault fault = SCHEMA_OK;
	cJSON *element = NULL;
	size_t len = where->len;
	int place = 0;

	if (m->shape == SCHEMA_LIST ? !cJSON_IsArray(value) : !cJSON_IsObject(value))
		return SCHEMA_MISTYPED;
	for (element = value->child; element && !fault; element = element->next, place++) {
		if (cJSON_IsNull(element)) {
			cJSON *zero = zero_of(m->type);

			if (m->shape == SCHEMA_LIST)
				cJSON_ReplaceItemViaPointer(value, element, zero);
			else
				cJSON_ReplaceItemInObjectCaseSensitive(value, element->string, zero);
			element = zero;
		}
		buf_truncate(where, len);
		if (m->shape == SCHEMA_LIST)
			buf_addf(where, "[%d]", place);
		else
			buf_addf(where, "[%s]", element->string);
		fault = apply_one(m, element, where);
	}
	if (!fault)
		buf_truncate(where, len);
	if (!fault && m->shape == SCHEMA_MAP)
		sim_tree_sort(value);
	return fault;
}

static bool is_empty(const struct schema_member *m, const cJSON *value)
{
	int64_t number;

	if (m->shape != SCHEMA_ONE)
		return !value->child;
	if (m->may_be_empty || m->type == SCHEMA_STRUCT || m->type == SCHEMA_OBJECT || m->type == SCHEMA_ANY)
		return false;
	return str_equal(cJSON_GetStringValue(value), "") || cJSON_IsFalse(value) ||
	       (json_is_int(value, &number) && number == 0);
}

static enum schema_fault apply_struct(const struct schema_member *members, cJSON *tree, struct buf *where)
{
	enum schema_fault fault = SCHEMA_OK;
	cJSON *member = tree->child;
	size_t len = where->len;

	while (member) {
		const struct schema_member *m = members;
		cJSON *next = member->next;

		while (m->name && !str_equal(m->name, member->string))
			m++;
		buf_truncate(where, len);
		buf_addf(where, "%s%s", len ? "." : "", member->string);
		if (!m->name)
			return SCHEMA_UNKNOWN;
		if (!cJSON_IsNull(member))
			fault = m->shape == SCHEMA_ONE ? apply_one(m, member, where) : apply_many(m, member, where);
		if (fault)
			return fault;
		if (cJSON_IsNull(member) || is_empty(m, member))
			cJSON_Delete(cJSON_DetachItemViaPointer(tree, member));
		member = next;
	}
	buf_truncate(where, len);
	return SCHEMA_OK;
}

enum schema_fault schema_apply(const struct schema_member *members, cJSON *tree, struct buf *ret_where)
{
	return apply_struct(members, tree, ret_where);
}
