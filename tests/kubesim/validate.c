#include "tests/kubesim/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/quantity.h"
#include "tests/kubesim/tree.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LOWER_ALNUM LOWER "0123456789"
#define ANNOTATIONS_MAX (256 * 1024) /* bytes of all keys and values */
#define PORT_NAME_MAX 15             /* bytes: IANA_SVC_NAME */

/* Messages of the API server. Source: apimachinery pkg/util/validation. */
#define SUBDOMAIN_WORDS                                                                       \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, " \
	"'-' or '.', and must start and end with an alphanumeric character "                  \
	"(e.g. 'example.com', regex used for validation is "                                  \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_WORDS                                                                             \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'," \
	" and must start and end with an alphanumeric character "                               \
	"(e.g. 'my-name',  or '123-abc', regex used for validation is "                         \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1035_WORDS                                                                     \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start " \
	"with an alphabetic character, and end with an alphanumeric character "              \
	"(e.g. 'my-name',  or 'abc-123', regex used for validation is "                      \
	"'[a-z]([-a-z0-9]*[a-z0-9])?')"

/* The forms of names. */
static const struct {
	size_t max; /* bytes */
	const char *too_long;
	const char *first; /* allowed first bytes */
	const char *inside;
	const char *words;
} forms[] = {
	[NAME_SUBDOMAIN] = { 253, "must be no more than 253 characters", LOWER_ALNUM, LOWER_ALNUM "-.",
			     SUBDOMAIN_WORDS },
	[NAME_LABEL] = { 63, "must be no more than 63 characters", LOWER_ALNUM, LOWER_ALNUM "-", LABEL_WORDS },
	[NAME_LABEL_1035] = { 63, "must be no more than 63 characters", LOWER, LOWER_ALNUM "-", LABEL_1035_WORDS },
};

static bool has_form(const char *name, enum sim_name_form form)
{
	size_t len = strlen(name);

	return len > 0 && len <= forms[form].max && strchr(forms[form].first, name[0]) &&
	       strspn(name, forms[form].inside) == len && strchr(LOWER_ALNUM, name[len - 1]) && !strstr(name, "..") &&
	       !strstr(name, "-.") && !strstr(name, ".-");
}

static void check_form(const char *name, enum sim_name_form form, const char *path, const char *key,
		       struct sim_causes *causes)
{
	if (!has_form(name, form))
		sim_cause_add(causes, FAULT_INVALID, name,
			      strlen(name) > forms[form].max ? forms[form].too_long : forms[form].words, "%s.%s", path,
			      key);
}

/* Whether it is one of the words of a list. Missing values have their default. */
static void check_word(const cJSON *parent, const char *key, const char *path, const char *const *words,
		       struct sim_causes *causes)
{
	const char *word = json_string_at(parent, key);

	for (; word && *words; words++)
		if (str_equal(word, *words))
			return;
	if (word)
		sim_cause_add(causes, FAULT_NOT_SUPPORTED, word, "not one of the supported values", "%s.%s", path, key);
}

static void check_not_negative(const cJSON *spec, const char *key, struct sim_causes *causes)
{
	if (json_int_at(spec, key, 0) < 0)
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be greater than or equal to 0", "spec.%s", key);
}

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

static void check_name(const cJSON *metadata, enum sim_name_form form, struct sim_causes *causes)
{
	const char *prefix = json_string_at(metadata, "generateName");
	const char *name = json_string_at(metadata, "name");
	size_t len = prefix ? strlen(prefix) : 0;
	char masked[512] = "";

	snprintf(masked, sizeof(masked), "%s%s", prefix ? prefix : "", len && prefix[len - 1] == '-' ? "a" : "");
	if (prefix)
		check_form(masked, form, "metadata", "generateName", causes);
	if (name)
		check_form(name, form, "metadata", "name", causes);
	else
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "name or generateName is required", "metadata.name");
}

/* Returns whether all are valid. */
static bool check_labels(const char *field, const cJSON *labels, struct sim_causes *causes)
{
	size_t before = causes->count;
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, labels) {
		const char *value = cJSON_GetStringValue(label);
		const char *key_fault = label_key_fault(label->string);
		const char *value_fault = value ? label_value_fault(value) : "must be a string";

		if (key_fault)
			sim_cause_add(causes, FAULT_INVALID, label->string, key_fault, "%s", field);
		if (value_fault)
			sim_cause_add(causes, FAULT_INVALID, value, value_fault, "%s", field);
	}
	return causes->count == before;
}

static const char *annotation_key_fault(const char *key)
{
	cleanup_free char *lower = str_dup(key);

	for (char *at = lower; at && *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return label_key_fault(lower ? lower : "");
}

static void check_annotations(const char *field, const cJSON *annotations, struct sim_causes *causes)
{
	const cJSON *annotation = NULL;
	size_t total = 0;

	cJSON_ArrayForEach (annotation, annotations) {
		const char *key_fault = annotation_key_fault(annotation->string);

		if (key_fault)
			sim_cause_add(causes, FAULT_INVALID, annotation->string, key_fault, "%s", field);
		total += strlen(annotation->string) + strlen(cJSON_GetStringValue(annotation));
	}
	if (total > ANNOTATIONS_MAX)
		sim_cause_add(causes, FAULT_TOO_LONG, NULL, "may not be more than 262144 bytes", "%s", field);
}

/* Reserved finalizers of Kubernetes, and names without a domain, are rejected. */
static void check_finalizers(const cJSON *finalizers, const cJSON *old_metadata, struct sim_causes *causes)
{
	bool deleting = json_get(old_metadata, "deletionTimestamp");
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, finalizers) {
		const cJSON *before = NULL;

		if (label_key_fault(item->valuestring) || !strchr(item->valuestring, '/'))
			sim_cause_add(causes, FAULT_REFUSED, item->valuestring, "", "metadata.finalizers");
		cJSON_ArrayForEach (before, json_get(old_metadata, "finalizers"))
			if (cJSON_Compare(before, item, true))
				break;
		if (deleting && !before)
			sim_cause_add(causes, FAULT_FORBIDDEN, NULL,
				      "no new finalizers can be added if the object is being deleted",
				      "metadata.finalizers");
	}
}

static void check_owners(const cJSON *owners, struct sim_causes *causes)
{
	static const char *const required[] = { "apiVersion", "kind", "name", "uid" };
	const cJSON *owner = NULL;
	int controllers = 0;

	cJSON_ArrayForEach (owner, owners) {
		for (size_t i = 0; i < ARRAY_LEN(required); i++)
			if (!json_string_at(owner, required[i]))
				sim_cause_add(causes, FAULT_INVALID, "", "must not be empty",
					      "metadata.ownerReferences.%s", required[i]);
		if (json_string_at(owner, "apiVersion") && !str_equal(json_string_at(owner, "apiVersion"), "apps/v1"))
			sim_cause_add(causes, FAULT_REFUSED, NULL, "owners that are not of apps/v1",
				      "metadata.ownerReferences");
		controllers += json_true_at(owner, "controller");
	}
	if (controllers > 1)
		sim_cause_add(causes, FAULT_INVALID, NULL, "Only one reference can have Controller set to true",
			      "metadata.ownerReferences");
}

/* ---- containers -------------------------------------------------------------------------------------------------- */

static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };

/* The names of an array's elements must differ. */
static void check_unique(const cJSON *parent, const char *member, const char *path, struct sim_causes *causes)
{
	const cJSON *array = json_get(parent, member);
	const cJSON *element = NULL;
	int place = 0;

	cJSON_ArrayForEach (element, array) {
		const char *name = json_string_at(element, "name");

		if (name && sim_tree_find(array, "name", name) != element)
			sim_cause_add(causes, FAULT_DUPLICATE, name, "", "%s.%s[%d].name", path, member, place);
		place++;
	}
}

/* 1 to 15 of [a-z0-9-], with at least one letter, without leading, trailing or double dashes. Source: RFC 6335. */
static bool is_port_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PORT_NAME_MAX && strspn(name, LOWER_ALNUM "-") == len && strpbrk(name, LOWER) &&
	       name[0] != '-' && name[len - 1] != '-' && !strstr(name, "--");
}

static bool is_port(int64_t number)
{
	return number >= 1 && number <= UINT16_MAX;
}

static void check_container_port(const cJSON *port, const char *path, struct sim_causes *causes)
{
	const char *name = json_string_at(port, "name");
	int64_t number = json_int_at(port, "containerPort", 0);

	if (name && !is_port_name(name))
		sim_cause_add(causes, FAULT_INVALID, name, "must be an IANA_SVC_NAME", "%s.name", path);
	if (number == 0)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.containerPort", path);
	else if (!is_port(number))
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be between 1 and 65535, inclusive", "%s.containerPort",
			      path);
	check_word(port, "protocol", path, protocols, causes);
}

/* Printable ASCII without "=". */
static bool is_variable_name(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == '=')
			return false;
	return true;
}

static void check_variable(const cJSON *variable, const char *path, struct sim_causes *causes)
{
	const char *name = json_string_at(variable, "name");
	const cJSON *from = json_get(variable, "valueFrom");

	if (from && (json_get(variable, "value") || !json_string_at(from, "secretKeyRef.name") ||
		     !json_string_at(from, "secretKeyRef.key")))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "", "%s.valueFrom", path);
	if (!name)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.name", path);
	else if (!is_variable_name(name))
		sim_cause_add(causes, FAULT_INVALID, name,
			      "a valid environment variable name must consist only of printable ASCII characters "
			      "other than '='",
			      "%s.name", path);
}

static int64_t amount_of(const char *quantity)
{
	int64_t amount = 0;

	if (!quantity || !quantity_parse(quantity, 1, &amount))
		return 0;
	return quantity_parse(quantity, 1000, &amount) ? amount : INT64_MAX; /* thousandths of a petabyte do not fit */
}

/* cpu and memory, and resources with a domain, whose requests are integers and equal to their limits. */
static bool is_known_resource(const cJSON *amount, const cJSON *limits)
{
	const char *text = amount->valuestring;

	if (str_equal(amount->string, "cpu") || str_equal(amount->string, "memory"))
		return true;
	return strchr(amount->string, '/') && !label_key_fault(amount->string) &&
	       strspn(text, "0123456789") == strlen(text) &&
	       str_equal(cJSON_GetStringValue(json_get(limits, amount->string)), text);
}

static void check_amounts(const cJSON *resources, const char *end, const char *path, struct sim_causes *causes)
{
	const cJSON *amount = NULL;

	cJSON_ArrayForEach (amount, json_get(resources, end)) {
		if (!is_known_resource(amount, json_get(resources, "limits")))
			sim_cause_add(causes, FAULT_REFUSED, NULL, "", "%s.resources.%s[%s]", path, end,
				      amount->string);
		if (amount->valuestring[0] == '-')
			sim_cause_add(causes, FAULT_INVALID, amount->valuestring, "must be greater than or equal to 0",
				      "%s.resources.%s[%s]", path, end, amount->string);
	}
}

static void check_resources(const cJSON *resources, const char *path, struct sim_causes *causes)
{
	const cJSON *limit = NULL;

	check_amounts(resources, "limits", path, causes);
	check_amounts(resources, "requests", path, causes);
	cJSON_ArrayForEach (limit, json_get(resources, "limits")) {
		const char *request = cJSON_GetStringValue(json_get(json_get(resources, "requests"), limit->string));

		if (amount_of(request) > amount_of(limit->valuestring))
			sim_cause_add(causes, FAULT_INVALID, request, "must be less than or equal to the limit",
				      "%s.resources.requests", path);
	}
}

/* Each element of an array that is a member of the object at `path`. */
static void check_each(const cJSON *parent, const char *key, const char *path,
		       void (*check)(const cJSON *, const char *, struct sim_causes *), struct sim_causes *causes)
{
	const cJSON *element = NULL;
	int place = 0;

	cJSON_ArrayForEach (element, json_get(parent, key)) {
		cleanup_free char *at = NULL;

		if (asprintf(&at, "%s.%s[%d]", path, key, place++) < 0)
			abort(); /* out of memory: not checked */
		check(element, at, causes);
	}
}

static void check_container(const cJSON *container, const char *path, struct sim_causes *causes)
{
	static const char *const policies[] = { "Always", "IfNotPresent", "Never", NULL };
	static const char *const messages[] = { "File", "FallbackToLogsOnError", NULL };
	const char *name = json_string_at(container, "name");
	const char *image = json_string_at(container, "image");

	if (name)
		check_form(name, NAME_LABEL, path, "name", causes);
	else
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.name", path);
	if (image && (isspace((unsigned char)image[0]) || isspace((unsigned char)image[strlen(image) - 1])))
		sim_cause_add(causes, FAULT_REFUSED, image, "", "%s.image",
			      path); /* not allowed for a Pod, only in a template */
	if (!image)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.image", path);
	check_word(container, "imagePullPolicy", path, policies, causes);
	check_word(container, "terminationMessagePolicy", path, messages, causes);
	check_each(container, "env", path, check_variable, causes);
	check_each(container, "ports", path, check_container_port, causes);
	check_unique(container, "ports", path, causes);
	check_resources(json_get(container, "resources"), path, causes);
}

static void check_pod_spec(const cJSON *spec, const char *path, const char *const *restarts, struct sim_causes *causes)
{
	static const char *const hosts[] = { "hostname", "subdomain" };
	const cJSON *init = NULL;

	if (!json_get(spec, "containers"))
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.containers", path);
	check_each(spec, "initContainers", path, check_container, causes);
	check_each(spec, "containers", path, check_container, causes);
	cJSON_ArrayForEach (init, json_get(spec, "initContainers"))
		if (sim_tree_find(json_get(spec, "containers"), "name", json_string_at(init, "name")) ||
		    sim_tree_find(json_get(spec, "initContainers"), "name", json_string_at(init, "name")) != init)
			sim_cause_add(causes, FAULT_REFUSED, json_string_at(init, "name"), "", "%s.initContainers",
				      path);
	check_unique(spec, "containers", path, causes);
	check_word(spec, "restartPolicy", path, restarts, causes);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		const char *host = json_string_at(spec, hosts[i]);

		if (host && host[0])
			check_form(host, NAME_LABEL, path, hosts[i], causes);
	}
	if (json_get(spec, "nodeName"))
		check_form(json_string_at(spec, "nodeName"), NAME_SUBDOMAIN, path, "nodeName", causes);
	if (!str_equal(json_string_at(spec, "dnsPolicy"), "ClusterFirst"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "", "%s.dnsPolicy", path);
}

/* The spec of a Pod without its mutable members. */
static cJSON *fixed_pod_spec(const cJSON *tree)
{
	cJSON *spec = sim_tree_copy(json_get(tree, "spec"));
	cJSON *container = NULL;

	cJSON_ArrayForEach (container, json_get(spec, "containers"))
		sim_tree_drop(container, "image");
	return spec;
}

void sim_validate_pod(const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	static const char *const restarts[] = { "Always", "OnFailure", "Never", NULL };
	cleanup_json cJSON *before = fixed_pod_spec(old);
	cleanup_json cJSON *now = fixed_pod_spec(tree);

	check_pod_spec(json_get(tree, "spec"), "spec", restarts, causes);
	if (old && !cJSON_Compare(before, now, true))
		sim_cause_add(causes, FAULT_FORBIDDEN, NULL, "pod updates may not change fields other than images",
			      "spec");
}

/* ---- Deployments, ReplicaSets, StatefulSets ---------------------------------------------------------------------- */

/* A number of Pods, or a percentage of them. False: neither. ret_value: of either. */
static bool read_share(const cJSON *share, int64_t *ret_value)
{
	const char *text = cJSON_GetStringValue(share);
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return json_is_int(share, ret_value) && *ret_value >= 0;
	*ret_value = strtoll(text, NULL, 10);
	return digits > 0 && str_equal(text + digits, "%");
}

static void check_rolling_update(const cJSON *rolling, struct sim_causes *causes)
{
	static const char *const keys[] = { "maxSurge", "maxUnavailable" };
	bool all_well = true;
	int64_t values[2] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const cJSON *share = json_get(rolling, keys[i]);
		bool well = read_share(share, &values[i]) && (i == 0 || cJSON_IsNumber(share) || values[i] <= 100);

		all_well &= well;
		if (!well)
			sim_cause_add(causes, FAULT_INVALID, cJSON_GetStringValue(share),
				      "must be a number that is not negative, or a percentage",
				      "spec.strategy.rollingUpdate.%s", keys[i]);
	}
	if (all_well && values[0] == 0 && values[1] == 0)
		sim_cause_add(causes, FAULT_INVALID, NULL, "may not be 0 when `maxSurge` is 0",
			      "spec.strategy.rollingUpdate.maxUnavailable");
}

static void check_strategy(const cJSON *strategy, struct sim_causes *causes)
{
	const char *type = json_string_at(strategy, "type");
	const cJSON *rolling = json_get(strategy, "rollingUpdate");

	if (str_equal(type, "RollingUpdate"))
		check_rolling_update(rolling, causes);
	else if (!str_equal(type, "Recreate"))
		sim_cause_add(causes, FAULT_NOT_SUPPORTED, type, "", "spec.strategy");
	else if (rolling)
		sim_cause_add(causes, FAULT_FORBIDDEN, NULL, "may not be specified when strategy `type` is 'Recreate'",
			      "spec.strategy.rollingUpdate");
}

static void check_selector(const cJSON *spec, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *selector = json_get(spec, "selector");
	const cJSON *wanted = json_get(selector, "matchLabels");
	const cJSON *labels = json_at(spec, "template.metadata.labels");
	const cJSON *label = NULL;
	bool matches = selector;

	if (!selector)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "spec.selector");
	else if (!wanted)
		sim_cause_add(causes, FAULT_INVALID, NULL, "empty selector is invalid", "spec.selector");
	if (!check_labels("spec.selector.matchLabels", wanted, causes))
		sim_cause_add(causes, FAULT_INVALID, NULL, "invalid label selector", "spec.selector");
	else
		cJSON_ArrayForEach (label, wanted)
			matches &= (bool)cJSON_Compare(label, json_get(labels, label->string), true);
	if (!matches)
		sim_cause_add(causes, FAULT_INVALID, NULL, "`selector` does not match template `labels`",
			      "spec.template.metadata.labels");
	if (old && !cJSON_Compare(selector, json_at(old, "spec.selector"), true))
		sim_cause_add(causes, FAULT_INVALID, NULL, "field is immutable", "spec.selector");
}

void sim_validate_workload(const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	static const char *const restarts[] = { "Always", NULL };
	const cJSON *spec = json_get(tree, "spec");
	int64_t deadline_s = json_int_at(spec, "progressDeadlineSeconds", INT64_MAX);

	check_not_negative(spec, "replicas", causes);
	check_not_negative(spec, "minReadySeconds", causes);
	check_not_negative(spec, "revisionHistoryLimit", causes);
	if (deadline_s < 0 || deadline_s <= json_int_at(spec, "minReadySeconds", 0))
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be greater than minReadySeconds",
			      "spec.progressDeadlineSeconds");
	check_selector(spec, old, causes);
	check_labels("spec.template.labels", json_at(spec, "template.metadata.labels"), causes);
	check_annotations("spec.template.annotations", json_at(spec, "template.metadata.annotations"), causes);
	check_pod_spec(json_at(spec, "template.spec"), "spec.template.spec", restarts, causes);
	if (json_get(spec, "strategy"))
		check_strategy(json_get(spec, "strategy"), causes);
}

/* The mutable members of a StatefulSet's spec; all others are compared. */
static cJSON *fixed_set_spec(const cJSON *tree)
{
	static const char *const changeable[] = { "replicas", "template", "updateStrategy", "revisionHistoryLimit",
						  "persistentVolumeClaimRetentionPolicy" };
	cJSON *spec = sim_tree_copy(json_get(tree, "spec"));

	for (size_t i = 0; i < ARRAY_LEN(changeable); i++)
		sim_tree_drop(spec, changeable[i]);
	return spec;
}

/* Only the default is implemented, a rolling update of all Pods. */
static void check_update_strategy(const cJSON *strategy, struct sim_causes *causes)
{
	if (!str_equal(json_string_at(strategy, "type"), "RollingUpdate"))
		sim_cause_add(causes, FAULT_REFUSED, json_string_at(strategy, "type"), "", "spec.updateStrategy.type");
	else if (json_int_at(strategy, "rollingUpdate.partition", 1) != 0)
		sim_cause_add(causes, FAULT_REFUSED, NULL, "", "spec.updateStrategy.rollingUpdate.partition");
}

void sim_validate_statefulset(const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *spec = json_get(tree, "spec");
	const char *policy = json_string_at(spec, "podManagementPolicy");
	const char *service = json_string_at(spec, "serviceName");
	cleanup_json cJSON *before = fixed_set_spec(old);
	cleanup_json cJSON *now = fixed_set_spec(tree);

	sim_validate_workload(tree, NULL, causes);
	if (service && service[0])
		check_form(service, NAME_LABEL, "spec", "serviceName", causes);
	if (!str_equal(policy, "OrderedReady") && !str_equal(policy, "Parallel"))
		sim_cause_add(causes, FAULT_INVALID, policy, "must be 'OrderedReady' or 'Parallel'",
			      "spec.podManagementPolicy");
	if (json_int_at(spec, "revisionHistoryLimit", 0) < 0)
		sim_cause_add(causes, FAULT_REFUSED, NULL, "", "spec.revisionHistoryLimit");
	check_update_strategy(json_get(spec, "updateStrategy"), causes);
	if (!str_equal(json_string_at(spec, "persistentVolumeClaimRetentionPolicy.whenDeleted"), "Retain") ||
	    !str_equal(json_string_at(spec, "persistentVolumeClaimRetentionPolicy.whenScaled"), "Retain"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "", "spec.persistentVolumeClaimRetentionPolicy");
	if (old && !cJSON_Compare(before, now, true))
		sim_cause_add(causes, FAULT_FORBIDDEN, NULL,
			      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
			      "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
			      "'minReadySeconds' are forbidden",
			      "spec");
}

/* ---- Services ---------------------------------------------------------------------------------------------------- */

static void check_target(const cJSON *target, const char *path, struct sim_causes *causes)
{
	const char *name = cJSON_GetStringValue(target);
	int64_t number = 0;

	if (name ? !is_port_name(name) : !json_is_int(target, &number) || !is_port(number))
		sim_cause_add(causes, FAULT_INVALID, name, "must be a port's number or name", "%s.targetPort", path);
}

static void check_service_port(const cJSON *port, const char *path, struct sim_causes *causes)
{
	const char *name = json_string_at(port, "name");

	if (name)
		check_form(name, NAME_LABEL, path, "name", causes);
	else if (port->prev != port) /* one of several */
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.name", path);
	if (!is_port(json_int_at(port, "port", 0)))
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be between 1 and 65535, inclusive", "%s.port", path);
	check_word(port, "protocol", path, protocols, causes);
	check_target(json_get(port, "targetPort"), path, causes);
}

/* A number may occur once per protocol. */
static void check_unique_ports(const cJSON *ports, struct sim_causes *causes)
{
	const cJSON *port = NULL;
	int place = 0;

	cJSON_ArrayForEach (port, ports) {
		const cJSON *earlier = ports->child;

		while (earlier != port &&
		       (!cJSON_Compare(json_get(earlier, "port"), json_get(port, "port"), true) ||
			!cJSON_Compare(json_get(earlier, "protocol"), json_get(port, "protocol"), true)))
			earlier = earlier->next;
		if (earlier != port)
			sim_cause_add(causes, FAULT_DUPLICATE, NULL, "", "spec.ports[%d]", place);
		place++;
	}
}

static void check_address(const cJSON *spec, const cJSON *old, struct sim_causes *causes)
{
	const char *address = json_string_at(spec, "clusterIP");
	const char *before = json_string_at(old, "spec.clusterIP");

	if (before && !str_equal(address, before))
		sim_cause_add(causes, FAULT_INVALID, address, "field is immutable", "spec.clusterIPs[0]");
	else if (str_equal(address, "None") && !str_equal(json_string_at(spec, "type"), "ClusterIP"))
		sim_cause_add(causes, FAULT_INVALID, address, "may not be set to 'None' for this type",
			      "spec.clusterIPs[0]");
}

void sim_validate_service(const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	static const char *const types[] = { "ClusterIP", "NodePort", "LoadBalancer", NULL };
	const cJSON *spec = json_get(tree, "spec");
	const cJSON *ports = json_get(spec, "ports");
	const char *affinity = json_string_at(spec, "sessionAffinity");

	if (!ports && !str_equal(json_string_at(spec, "clusterIP"), "None"))
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "spec.ports");
	if (str_equal(json_string_at(spec, "type"), "ExternalName"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "ExternalName", "spec.type");
	else
		check_word(spec, "type", "spec", types, causes);
	check_address(spec, old, causes);
	check_labels("spec.selector", json_get(spec, "selector"), causes);
	check_each(spec, "ports", "spec", check_service_port, causes);
	check_unique(spec, "ports", "spec", causes);
	check_unique_ports(ports, causes);
	if (str_equal(affinity, "ClientIP"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "ClientIP", "spec.sessionAffinity");
	else if (!str_equal(affinity, "None"))
		sim_cause_add(causes, FAULT_NOT_SUPPORTED, affinity, "", "spec.sessionAffinity");
}

/* ---- autoscalers ------------------------------------------------------------------------------------------------- */

/* One segment of a path. Source: apimachinery pkg/api/validation/path. */
static void check_segment(const cJSON *parent, const char *key, const char *path, struct sim_causes *causes)
{
	const char *name = json_string_at(parent, key);

	if (!name)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.%s", path, key);
	else if (str_equal(name, ".") || str_equal(name, "..") || strpbrk(name, "/%"))
		sim_cause_add(causes, FAULT_INVALID, name, "may not be '.' or '..', nor contain '/' or '%'", "%s.%s",
			      path, key);
}

static void check_scale_target(const cJSON *target, struct sim_causes *causes)
{
	const char *version = json_string_at(target, "apiVersion");

	check_segment(target, "kind", "spec.scaleTargetRef", causes);
	check_segment(target, "name", "spec.scaleTargetRef", causes);
	if (!version || strchr(version, '/') != strrchr(version, '/'))
		sim_cause_add(causes, FAULT_INVALID, version, "must be a version, or a group and its version",
			      "spec.scaleTargetRef.apiVersion");
}

static void check_metric(const cJSON *metric, const char *path, struct sim_causes *causes)
{
	if (!json_string_at(metric, "resource.name"))
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "%s.resource.name", path);
	if (!str_equal(json_string_at(metric, "type"), "Resource") ||
	    !str_equal(json_string_at(metric, "resource.target.type"), "Utilization") ||
	    json_int_at(metric, "resource.target.averageUtilization", 0) < 1)
		sim_cause_add(causes, FAULT_REFUSED, NULL, "other metrics than utilizations", "%s", path);
}

void sim_validate_autoscaler(const cJSON *tree, const cJSON *old unused, struct sim_causes *causes)
{
	const cJSON *spec = json_get(tree, "spec");
	int64_t min = json_int_at(spec, "minReplicas", 1);
	int64_t max = json_int_at(spec, "maxReplicas", 0);

	check_scale_target(json_get(spec, "scaleTargetRef"), causes);
	if (min == 0)
		sim_cause_add(causes, FAULT_FORBIDDEN, NULL, "scaling to zero needs an Object or External metric",
			      "spec.metrics");
	if (min < 1)
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be greater than or equal to 1", "spec.minReplicas");
	if (max == 0)
		sim_cause_add(causes, FAULT_REQUIRED, NULL, "", "spec.maxReplicas");
	if (max < 1)
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be greater than 0", "spec.maxReplicas");
	else if (max < min)
		sim_cause_add(causes, FAULT_INVALID, NULL, "must be greater than or equal to `minReplicas`",
			      "spec.maxReplicas");
	if (!json_get(spec, "metrics"))
		sim_cause_add(causes, FAULT_REFUSED, NULL, "the metric of an autoscaler without one", "spec.metrics");
	check_each(spec, "metrics", "spec", check_metric, causes);
}

/* ---- all kinds --------------------------------------------------------------------------------------------------- */

void sim_validate(const struct sim_kind *kind, const cJSON *tree, const cJSON *old, struct sim_causes *causes)
{
	const cJSON *metadata = json_get(tree, "metadata");
	static const char *const fixed[] = { "deletionTimestamp", "deletionGracePeriodSeconds" };

	check_name(metadata, kind->name_form, causes);
	check_labels("metadata.labels", json_get(metadata, "labels"), causes);
	check_annotations("metadata.annotations", json_get(metadata, "annotations"), causes);
	check_finalizers(json_get(metadata, "finalizers"), json_get(old, "metadata"), causes);
	check_owners(json_get(metadata, "ownerReferences"), causes);
	for (size_t i = 0; old && i < ARRAY_LEN(fixed); i++)
		if (json_get(metadata, fixed[i]) &&
		    !cJSON_Compare(json_get(metadata, fixed[i]), json_get(json_get(old, "metadata"), fixed[i]), true))
			sim_cause_add(causes, FAULT_INVALID, NULL, "field is immutable", "metadata.%s", fixed[i]);
	if (kind->validate)
		kind->validate(tree, old, causes);
}
