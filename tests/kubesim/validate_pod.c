/*
 * A Pod's spec, alone or in a template. Source: Kubernetes pkg/apis/core/validation, in its order.
 */
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/quantity.h"
#include "tests/kubesim/tree.h"
#include "tests/kubesim/validate.h"

#define FIELD_MAX 256
#define PORT_NAME_MAX 15 /* bytes, IANA service name */
#define NANO 1000000000

void sim_validate_port(const char *field, int64_t port, struct sim_causes *causes)
{
	if (port < 1 || port > 65535)
		sim_cause_int(causes, FAULT_INVALID, field, port, "must be between 1 and 65535, inclusive");
}

/* Is the text one of the choices? The last is NULL. */
static bool among(const char *text, const char *const *choices)
{
	for (; *choices; choices++)
		if (str_equal(text, *choices))
			return true;
	return false;
}

static void check_choice(const char *field, const char *value, const char *const *choices, const char *supported,
			 struct sim_causes *causes)
{
	if (value && !among(value, choices))
		sim_cause_text(causes, FAULT_UNSUPPORTED, field, value, supported);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static void check_port_name(const char *field, const char *name, struct sim_causes *causes)
{
	size_t len = strlen(name);

	if (len > PORT_NAME_MAX)
		sim_cause_text(causes, FAULT_INVALID, field, name, "must be no more than 15 characters");
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		sim_cause_text(causes, FAULT_INVALID, field, name,
			       "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
	if (!strpbrk(name, "abcdefghijklmnopqrstuvwxyz"))
		sim_cause_text(causes, FAULT_INVALID, field, name, "must contain at least one letter (a-z)");
	if (strstr(name, "--"))
		sim_cause_text(causes, FAULT_INVALID, field, name, "must not contain consecutive hyphens");
	if (name[0] == '-' || name[len - 1] == '-')
		sim_cause_text(causes, FAULT_INVALID, field, name, "must not begin or end with a hyphen");
}

/* Does an earlier port have this name? */
static bool named_before(const cJSON *ports, const cJSON *port, const char *name)
{
	const cJSON *earlier = sim_tree_find(ports, "name", name);

	return earlier && earlier != port;
}

static void check_container_port(const char *base, const cJSON *ports, const cJSON *port, struct sim_causes *causes)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
	const char *name = json_string_at(port, "name");
	int64_t number = json_int_at(port, "containerPort", 0);
	int64_t host_port = json_int_at(port, "hostPort", 0);
	char field[FIELD_MAX];

	snprintf(field, sizeof(field), "%.150s.name", base);
	if (name && *name) {
		size_t before = causes->count;

		check_port_name(field, name, causes);
		if (causes->count == before && named_before(ports, port, name))
			sim_cause_text(causes, FAULT_DUPLICATE, field, name, NULL);
	}
	snprintf(field, sizeof(field), "%.150s.containerPort", base);
	if (number == 0)
		sim_cause_add(causes, FAULT_REQUIRED, field, NULL, NULL);
	else
		sim_validate_port(field, number, causes);
	snprintf(field, sizeof(field), "%.150s.hostPort", base);
	if (host_port)
		sim_validate_port(field, host_port, causes);
	snprintf(field, sizeof(field), "%.150s.protocol", base);
	check_choice(field, json_string_at(port, "protocol"), protocols, "supported values: \"SCTP\", \"TCP\", \"UDP\"",
		     causes);
}

/* ---- environment ------------------------------------------------------------------------------------------------- */

static bool is_env_name(const char *name)
{
	for (; *name; name++)
		if (*name < 0x20 || *name > 0x7e || *name == '=')
			return false;
	return true;
}

static void check_env(const char *base, const cJSON *env, struct sim_causes *causes)
{
	const cJSON *variable = NULL;
	char field[FIELD_MAX];
	size_t index = 0;

	cJSON_ArrayForEach (variable, env) {
		const char *name = json_string_at(variable, "name");

		snprintf(field, sizeof(field), "%.150s.env[%zu].name", base, index++);
		if (!name || !*name)
			sim_cause_add(causes, FAULT_REQUIRED, field, NULL, NULL);
		else if (!is_env_name(name))
			sim_cause_text(causes, FAULT_INVALID, field, name,
				       "a valid environment variable name must consist only of printable ASCII "
				       "characters other than '='");
	}
}

/* ---- resources --------------------------------------------------------------------------------------------------- */

static void check_amounts(const char *base, const char *list, const cJSON *amounts, struct sim_causes *causes)
{
	static const char *const standard[] = { "cpu", "memory", "ephemeral-storage", NULL };
	const cJSON *amount = NULL;
	char field[FIELD_MAX];

	cJSON_ArrayForEach (amount, amounts) {
		bool known = among(amount->string, standard) || str_has_prefix(amount->string, "hugepages-");

		snprintf(field, sizeof(field), "%.150s.%s[%.100s]", base, list, amount->string);
		if (!known && !strchr(amount->string, '/')) {
			sim_cause_text(causes, FAULT_INVALID, field, amount->string,
				       "must be a standard resource type or fully qualified");
			sim_cause_text(causes, FAULT_INVALID, field, amount->string,
				       "must be a standard resource for containers");
		}
		if (cJSON_IsString(amount) && amount->valuestring[0] == '-')
			sim_cause_text(causes, FAULT_INVALID, field, amount->valuestring,
				       "must be greater than or equal to 0");
	}
}

/* Is a more than b? Compared in nano units, in whole ones when those do not fit. */
static bool is_more(const char *a, const char *b)
{
	int64_t x;
	int64_t y;

	if (quantity_parse(a, NANO, &x) && quantity_parse(b, NANO, &y))
		return x > y;
	return quantity_parse(a, 1, &x) && quantity_parse(b, 1, &y) && x > y;
}

static void check_resources(const char *container, const cJSON *resources, struct sim_causes *causes)
{
	const cJSON *requests = json_get(resources, "requests");
	const cJSON *request = NULL;
	char base[FIELD_MAX];
	char field[FIELD_MAX + 16];
	char detail[FIELD_MAX];

	snprintf(base, sizeof(base), "%.150s.resources", container);
	snprintf(field, sizeof(field), "%.150s.requests", base);
	check_amounts(base, "limits", json_get(resources, "limits"), causes);
	check_amounts(base, "requests", requests, causes);
	cJSON_ArrayForEach (request, requests) {
		const char *asked = cJSON_GetStringValue(request);
		const char *limit = cJSON_GetStringValue(json_get(json_get(resources, "limits"), request->string));

		if (!asked || !limit || !is_more(asked, limit))
			continue;
		snprintf(detail, sizeof(detail), "must be less than or equal to %.100s limit of %.60s", request->string,
			 limit);
		sim_cause_text(causes, FAULT_INVALID, field, asked, detail);
	}
}

/* ---- containers -------------------------------------------------------------------------------------------------- */

static void check_container(const char *base, const cJSON *containers, const cJSON *container,
			    struct sim_causes *causes)
{
	static const char *const pull_policies[] = { "Always", "IfNotPresent", "Never", NULL };
	const char *name = json_string_at(container, "name");
	const char *image = json_string_at(container, "image");
	const cJSON *port = NULL;
	char field[FIELD_MAX];
	size_t index = 0;

	snprintf(field, sizeof(field), "%.150s.name", base);
	if (!name || !*name)
		sim_cause_add(causes, FAULT_REQUIRED, field, NULL, NULL);
	else
		sim_validate_name(field, name, NAME_LABEL, causes);
	if (name && *name && named_before(containers, container, name))
		sim_cause_text(causes, FAULT_DUPLICATE, field, name, NULL);
	snprintf(field, sizeof(field), "%.150s.image", base);
	if (!image || !*image)
		sim_cause_add(causes, FAULT_REQUIRED, field, NULL, NULL);
	cJSON_ArrayForEach (port, json_get(container, "ports")) {
		snprintf(field, sizeof(field), "%.150s.ports[%zu]", base, index++);
		check_container_port(field, json_get(container, "ports"), port, causes);
	}
	check_env(base, json_get(container, "env"), causes);
	snprintf(field, sizeof(field), "%.150s.imagePullPolicy", base);
	check_choice(field, json_string_at(container, "imagePullPolicy"), pull_policies,
		     "supported values: \"Always\", \"IfNotPresent\", \"Never\"", causes);
	check_resources(base, json_get(container, "resources"), causes);
}

static void check_containers(const char *spec_field, const char *list, const cJSON *containers,
			     struct sim_causes *causes)
{
	const cJSON *container = NULL;
	char base[FIELD_MAX];
	size_t index = 0;

	cJSON_ArrayForEach (container, containers) {
		snprintf(base, sizeof(base), "%.150s.%s[%zu]", spec_field, list, index++);
		check_container(base, containers, container, causes);
	}
}

void sim_validate_pod_spec(const char *field, const cJSON *spec, struct sim_causes *causes)
{
	static const char *const policies[] = { "Always", "OnFailure", "Never", NULL };
	static const char *const dns_policies[] = { "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None",
						    NULL };
	char path[FIELD_MAX];

	snprintf(path, sizeof(path), "%.150s.containers", field);
	if (cJSON_GetArraySize(json_get(spec, "containers")) == 0)
		sim_cause_add(causes, FAULT_REQUIRED, path, NULL, NULL);
	check_containers(field, "containers", json_get(spec, "containers"), causes);
	check_containers(field, "initContainers", json_get(spec, "initContainers"), causes);
	snprintf(path, sizeof(path), "%.150s.restartPolicy", field);
	check_choice(path, json_string_at(spec, "restartPolicy"), policies,
		     "supported values: \"Always\", \"OnFailure\", \"Never\"", causes);
	snprintf(path, sizeof(path), "%.150s.dnsPolicy", field);
	check_choice(path, json_string_at(spec, "dnsPolicy"), dns_policies,
		     "supported values: \"ClusterFirst\", \"ClusterFirstWithHostNet\", \"Default\", \"None\"", causes);
}
