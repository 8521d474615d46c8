/* workload: required objects of a spec, and missing objects from facts. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/container_view.h"
#include "common/container/workload.h"

#define UID(n) "00000000-0000-4000-8000-00000000000" #n
#define SPEC(network, hints)                                                                               \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\"},\"image\":{\"reference\":\"i\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":1},\"memory\":{\"min\":\"1GB\",\"max\":\"1GB\"}}" network hints "}"
#define PORTS(ports) ",\"network\":{\"ports\":[" ports "]}"
#define PORT(number, visibility) "{\"container_port\":" #number ",\"visibility\":\"" visibility "\"}"
#define HINTS(kubernetes) ",\"provider_hints\":{\"kubernetes\":" kubernetes "}"

#define SERVICE_BIT (1u << WORKLOAD_SERVICE)
#define HEADLESS_BIT (1u << WORKLOAD_HEADLESS_SERVICE)
#define STATEFULSET HINTS("{\"kind\":\"StatefulSet\"}")
#define HEADLESS "s-1c4719afa76fa448b5eca99e6736885846501d17956f2fcb2de5c916d723f" /* of web-1 */

/* ---- required objects -------------------------------------------------------------------------------------------- */

struct wanted {
	enum workload_role role;
	const char *kind;
	const char *name;
};

static const struct list_case {
	const char *name;
	const char *id;
	const char *spec;
	struct wanted objects[WORKLOAD_ROLE_COUNT];
	size_t count;
	const char *service_type;
} list_cases[] = {
	{ "no network", "web-1", SPEC("", ""), { { WORKLOAD_ROOT, "Deployment", "web-1" } }, 1, NULL },
	{ "no port", "web-1", SPEC(PORTS(""), ""), { { WORKLOAD_ROOT, "Deployment", "web-1" } }, 1, NULL },
	{ "a port with visibility none",
	  "web-1",
	  SPEC(PORTS(PORT(80, "none")), ""),
	  { { WORKLOAD_ROOT, "Deployment", "web-1" } },
	  1,
	  NULL },
	{ "internal only",
	  "web-1",
	  SPEC(PORTS(PORT(80, "internal") "," PORT(81, "none")), ""),
	  { { WORKLOAD_ROOT, "Deployment", "web-1" }, { WORKLOAD_SERVICE, "Service", "web-1" } },
	  2,
	  "ClusterIP" },
	{ "external",
	  "web-1",
	  SPEC(PORTS(PORT(80, "internal") "," PORT(81, "external")), ""),
	  { { WORKLOAD_ROOT, "Deployment", "web-1" }, { WORKLOAD_SERVICE, "Service", "web-1" } },
	  2,
	  "LoadBalancer" },
	{ "an id that is not a valid Service name",
	  "7abc",
	  SPEC(PORTS(PORT(80, "external")), ""),
	  { { WORKLOAD_ROOT, "Deployment", "7abc" }, { WORKLOAD_SERVICE, "Service", "s-7abc" } },
	  2,
	  "LoadBalancer" },
	{ "the default kind of root",
	  "web-1",
	  SPEC("", HINTS("{\"kind\":\"Deployment\"}")),
	  { { WORKLOAD_ROOT, "Deployment", "web-1" } },
	  1,
	  NULL },
	{ "a StatefulSet has a headless Service",
	  "web-1",
	  SPEC("", STATEFULSET),
	  { { WORKLOAD_ROOT, "StatefulSet", "web-1" }, { WORKLOAD_HEADLESS_SERVICE, "Service", HEADLESS } },
	  2,
	  "ClusterIP" },
	{ "a StatefulSet with ports has a second Service",
	  "web-1",
	  SPEC(PORTS(PORT(80, "external")), STATEFULSET),
	  { { WORKLOAD_ROOT, "StatefulSet", "web-1" },
	    { WORKLOAD_SERVICE, "Service", "web-1" },
	    { WORKLOAD_HEADLESS_SERVICE, "Service", HEADLESS } },
	  3,
	  NULL },
	{ "an unknown kind of root",
	  "web-1",
	  SPEC("", HINTS("{\"kind\":\"Pod\"}")),
	  { { WORKLOAD_ROOT, "Deployment", "web-1" } },
	  1,
	  NULL },
	{ "malformed hints", "web-1", SPEC("", HINTS("[1]")), { { WORKLOAD_ROOT, "Deployment", "web-1" } }, 1, NULL },
};

static const struct container_origin origin = { .token = "req:1", .digest = "" };

static struct workload workload_of(const char *id, const cJSON *spec)
{
	const struct workload_source source = { .root = workload_root_kind(spec),
						.id = id,
						.spec = spec,
						.origin = &origin,
						.external_service_type = "LoadBalancer" };
	struct workload workload;
	struct error err;

	cr_assert_eq(workload_make(&source, &workload, &err), RC_OK, "%s", err.text);
	return workload;
}

static cJSON *written(const struct workload *workload, const struct workload_object *object)
{
	struct buf text cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cJSON *tree = NULL;
	struct error err;

	cr_assert_eq(workload_write(workload, object, UID(1), &text, &err), RC_OK, "%s", err.text);
	cr_assert_eq(json_parse_strict(text.data, text.len, &tree, &err), RC_OK, "%s", err.text);
	return tree;
}

/* The written object matches the table. */
static void check_written(const struct list_case *c, const struct workload *workload,
			  const struct workload_object *object)
{
	cleanup_json cJSON *tree = written(workload, object);
	const cJSON *owner = cJSON_GetArrayItem(json_at(tree, "metadata.ownerReferences"), 0);

	cr_expect_str_eq(json_string_at(tree, "apiVersion"), kube_kind_api_version(object->kind), "%s", c->name);
	cr_expect_str_eq(json_string_at(tree, "kind"), kube_kind_name(object->kind), "%s", c->name);
	cr_expect_str_eq(json_string_at(tree, "metadata.name"), object->name, "%s", c->name);
	if (object->role == WORKLOAD_ROOT) {
		cr_expect_null(owner, "%s", c->name);
		return;
	}
	cr_expect_str_eq(json_string_at(owner, "apiVersion"), "apps/v1", "%s", c->name);
	cr_expect_str_eq(json_string_at(owner, "kind"), c->objects[0].kind, "%s", c->name);
	cr_expect_str_eq(json_string_at(owner, "name"), c->id, "%s", c->name);
	cr_expect_str_eq(json_string_at(owner, "uid"), UID(1), "%s", c->name);
	if (c->service_type)
		cr_expect_str_eq(json_string_at(tree, "spec.type"), c->service_type, "%s", c->name);
}

Test(workload, a_spec_has_a_list_of_objects_with_the_root_first)
{
	for (size_t i = 0; i < ARRAY_LEN(list_cases); i++) {
		const struct list_case *c = &list_cases[i];
		cleanup_json cJSON *spec = cJSON_Parse(c->spec);
		struct workload workload = workload_of(c->id, spec);

		cr_assert_eq(workload.count, c->count, "%s", c->name);
		for (size_t k = 0; k < c->count; k++) {
			const struct workload_object *object = &workload.objects[k];

			cr_expect_eq(object->role, c->objects[k].role, "%s", c->name);
			cr_expect_str_eq(kube_kind_name(object->kind), c->objects[k].kind, "%s", c->name);
			cr_expect_str_eq(object->name, c->objects[k].name, "%s", c->name);
			check_written(c, &workload, object);
		}
	}
}

Test(workload, a_kind_is_either_of_roots_or_of_children)
{
	cr_expect_eq(workload_root_kinds(), 1u << KUBE_DEPLOYMENT | 1u << KUBE_STATEFULSET);
	cr_expect_eq(workload_optional_kinds(), 1u << KUBE_STATEFULSET | 1u << KUBE_CONTROLLER_REVISION);
	cr_expect_eq(workload_child_kinds(), 1u << KUBE_SERVICE);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++) {
		cr_expect_eq(workload_is_root((enum kube_kind)kind),
			     kind == KUBE_DEPLOYMENT || kind == KUBE_STATEFULSET, "%d", kind);
		cr_expect_neq((workload_root_kinds() & workload_child_kinds()) >> kind & 1, 1, "%d", kind);
	}
}

/* The Pods are the same; a StatefulSet finds them by the headless Service. */
Test(workload, roots_of_both_kinds_have_the_same_pods)
{
	cleanup_json cJSON *plain = cJSON_Parse(SPEC(PORTS(PORT(80, "internal")), ""));
	cleanup_json cJSON *stateful = cJSON_Parse(SPEC(PORTS(PORT(80, "internal")), STATEFULSET));
	struct workload deployment = workload_of("web-1", plain);
	struct workload statefulset = workload_of("web-1", stateful);
	cleanup_json cJSON *one = written(&deployment, &deployment.objects[0]);
	cleanup_json cJSON *other = written(&statefulset, &statefulset.objects[0]);
	cleanup_json cJSON *headless = written(&statefulset, &statefulset.objects[2]);

	cr_expect(cJSON_Compare(json_at(one, "spec.template"), json_at(other, "spec.template"), true));
	cr_expect(cJSON_Compare(json_at(one, "spec.selector"), json_at(other, "spec.selector"), true));
	cr_expect_str_eq(json_string_at(other, "spec.serviceName"), HEADLESS);
	cr_expect_str_eq(json_string_at(other, "spec.podManagementPolicy"), "Parallel");
	cr_expect_str_eq(json_string_at(headless, "spec.clusterIP"), "None");
	cr_expect(json_true_at(headless, "spec.publishNotReadyAddresses"));
	cr_expect_null(json_at(headless, "spec.ports"));
	cr_expect_leq(workload_id_max(KUBE_STATEFULSET) + strlen("-1234567890"), 63);
}

/* ---- existing objects -------------------------------------------------------------------------------------------- */

#define META(name, uid, extra)                                                                                     \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\",\"labels\":{\"dcm.project/managed-by\":\"dcm\"," \
	"\"dcm.project/dcm-service-type\":\"container\",\"dcm.project/dcm-instance-id\":\"web\"}" extra "}}"
#define ROOT(spec) META("web", UID(1), ",\"annotations\":{\"dcm.project/spec\":\"" spec "\"}")
#define OWNED_BY(uid) ",\"ownerReferences\":[{\"uid\":\"" uid "\"}]"
#define DELETING ",\"deletionTimestamp\":\"2026-01-01T00:01:00Z\""
#define WITH_PORT "{\\\"network\\\":{\\\"ports\\\":[{\\\"container_port\\\":80,\\\"visibility\\\":\\\"internal\\\"}]}}"

#define AS_STATEFULSET "{\\\"provider_hints\\\":{\\\"kubernetes\\\":{\\\"kind\\\":\\\"StatefulSet\\\"}}}"

static const struct facts_case {
	const char *name;
	const char *root;     /* a StatefulSet, if it has this kind */
	const char *parts[3]; /* "S" or "P" for Service or Pod, then the object */
	unsigned missing;     /* wanted and not owned by the root */
	const char *shown;    /* the uid of the Service shown to clients */
	unsigned not_shown;
	enum workload_tie ties[3];
} facts_cases[] = {
	{ "nothing wanted, nothing exists", ROOT("{}"), { NULL }, 0, NULL, 0, { 0 } },
	{ "an annotation that is not JSON", ROOT("{"), { NULL }, 0, NULL, 0, { 0 } },
	{ "created by others", META("web", UID(1), ""), { NULL }, 0, NULL, 0, { 0 } },
	{ "wanted, nothing exists", ROOT(WITH_PORT), { NULL }, SERVICE_BIT, NULL, SERVICE_BIT, { 0 } },
	{ "complete",
	  ROOT(WITH_PORT),
	  { "S" META("web", UID(2), OWNED_BY(UID(1))) },
	  0,
	  UID(2),
	  0,
	  { WORKLOAD_OWNED } },
	{ "not wanted, but owned: shown, and deleted with the root",
	  ROOT("{}"),
	  { "S" META("web", UID(2), OWNED_BY(UID(1))) },
	  0,
	  UID(2),
	  0,
	  { WORKLOAD_OWNED } },
	{ "one being deleted is neither shown nor missing",
	  ROOT(WITH_PORT),
	  { "S" META("web", UID(2), OWNED_BY(UID(1)) DELETING) },
	  0,
	  NULL,
	  SERVICE_BIT,
	  { WORKLOAD_OWNED } },
	{ "of a previous root",
	  ROOT(WITH_PORT),
	  { "S" META("web", UID(2), OWNED_BY(UID(9))) },
	  SERVICE_BIT,
	  NULL,
	  SERVICE_BIT,
	  { WORKLOAD_UNRELATED } },
	{ "one without an owner is shown, but is not the wanted one",
	  ROOT(WITH_PORT),
	  { "S" META("other", UID(2), "") },
	  SERVICE_BIT,
	  UID(2),
	  0,
	  { WORKLOAD_OWNERLESS } },
	{ "its own takes precedence over one without an owner",
	  ROOT(WITH_PORT),
	  { "S" META("web", UID(2), OWNED_BY(UID(1))), "S" META("other", UID(3), "") },
	  0,
	  UID(2),
	  0,
	  { WORKLOAD_OWNED, WORKLOAD_OWNERLESS } },
	{ "a headless Service is not that of the ports",
	  ROOT(WITH_PORT),
	  { "S" META(HEADLESS, UID(2), OWNED_BY(UID(1))) },
	  SERVICE_BIT,
	  NULL,
	  SERVICE_BIT,
	  { WORKLOAD_OWNED } },
	{ "the Service of the ports is not the headless one",
	  ROOT(AS_STATEFULSET),
	  { "S" META("web", UID(2), OWNED_BY(UID(1))) },
	  HEADLESS_BIT,
	  UID(2),
	  HEADLESS_BIT,
	  { WORKLOAD_OWNED } },
	{ "a complete StatefulSet",
	  ROOT(AS_STATEFULSET),
	  { "S" META(HEADLESS, UID(2), OWNED_BY(UID(1))) },
	  0,
	  NULL,
	  0,
	  { WORKLOAD_OWNED } },
	{ "Pods are not part of the list, with any owner",
	  ROOT(WITH_PORT),
	  { "P" META("p", UID(4), OWNED_BY(UID(1))), "P" META("q", UID(5), "") },
	  SERVICE_BIT,
	  NULL,
	  SERVICE_BIT,
	  { WORKLOAD_UNRELATED, WORKLOAD_UNRELATED } },
};

static struct fact *fact_of(enum kube_kind kind, const char *text)
{
	cleanup_json cJSON *object = cJSON_Parse(text);
	struct fact *fact = NULL;
	struct error err;

	cr_assert_not_null(object, "%s", text);
	cr_assert_eq(fact_from_object(kind, object, &fact, &err), RC_OK, "%s", err.text);
	return fact;
}

static void check_facts(const struct facts_case *c, const struct fact *root, const struct fact *const *facts,
			size_t count)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	const struct fact *shown = workload_find(root, WORKLOAD_SERVICE, facts, count);
	char uid[KUBE_UID_TEXT_MAX] = "";

	cr_expect_eq(workload_missing(root, facts, count), c->missing, "%s", c->name);
	cr_expect_eq(workload_tie(&root->uid, root), WORKLOAD_IS_ROOT, "%s", c->name);
	for (size_t i = 1; i < count; i++)
		cr_expect_eq(workload_tie(&root->uid, facts[i]), c->ties[i - 1], "%s, part %zu", c->name, i);
	if (shown)
		kube_uid_format(&shown->uid, uid);
	cr_expect_str_eq(uid, c->shown ? c->shown : "", "%s", c->name);
	cr_assert_eq(container_extras_read(&extras, root, facts, count, 0, &(struct status_rules){ 0 }, NULL), RC_OK);
	cr_expect_eq(extras.missing, c->not_shown, "%s", c->name);
	cr_expect_str_eq(extras.service.data, shown ? shown->service : "", "%s", c->name);
	cr_expect_eq(extras.pod_seen, c->parts[0] && c->parts[0][0] == 'P', "%s", c->name);
}

Test(workload, missing_and_shown_objects_are_derived_from_the_facts)
{
	for (size_t i = 0; i < ARRAY_LEN(facts_cases); i++) {
		const struct facts_case *c = &facts_cases[i];
		enum kube_kind kind = strstr(c->root, "StatefulSet") ? KUBE_STATEFULSET : KUBE_DEPLOYMENT;
		struct fact *facts[1 + ARRAY_LEN(c->parts)] = { fact_of(kind, c->root) };
		size_t count = 1;

		for (; count <= ARRAY_LEN(c->parts) && c->parts[count - 1]; count++)
			facts[count] = fact_of(c->parts[count - 1][0] == 'S' ? KUBE_SERVICE : KUBE_POD,
					       c->parts[count - 1] + 1);
		check_facts(c, facts[0], (const struct fact *const *)facts, count);
		for (size_t k = 0; k < count; k++)
			free(facts[k]);
	}
}

Test(workload, a_newly_created_child_takes_precedence_over_the_cache)
{
	struct container_extras extras cleanup_container_extras = container_extras_make();
	cleanup_free struct fact *root = fact_of(KUBE_DEPLOYMENT, ROOT(WITH_PORT));
	cleanup_free struct fact *old = fact_of(KUBE_SERVICE, META("old", UID(2), ""));
	cleanup_free struct fact *made = fact_of(KUBE_SERVICE, META("made", UID(3), OWNED_BY(UID(1))));
	const struct fact *known[] = { root, old };

	cr_assert_eq(container_extras_read(&extras, root, known, 2, 0, &(struct status_rules){ 0 }, NULL), RC_OK);
	cr_expect_not_null(strstr(extras.service.data, "\"old\""));
	cr_assert_eq(container_extras_show(&extras, root, NULL), RC_OK); /* the root is not shown as a Service */
	cr_expect_not_null(strstr(extras.service.data, "\"old\""));
	cr_assert_eq(container_extras_show(&extras, made, NULL), RC_OK);
	cr_expect_str_eq(extras.service.data, made->service);
}

/* ---- a name in use ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *object;
	enum workload_holder holder;
} holder_cases[] = {
	{ "owned by the root", META("web", UID(2), OWNED_BY(UID(1))), WORKLOAD_HELD_BY_ROOT },
	{ "owned by the root, labels removed", "{\"metadata\":{\"name\":\"web\"" OWNED_BY(UID(1)) "}}",
	  WORKLOAD_HELD_BY_ROOT },
	{ "of a previous root", META("web", UID(2), OWNED_BY(UID(9))), WORKLOAD_HELD_BY_PREDECESSOR },
	{ "with our labels, but without an owner", META("web", UID(2), ""), WORKLOAD_HELD_BY_OTHERS },
	{ "of another owner, without our labels", "{\"metadata\":{\"name\":\"web\"" OWNED_BY(UID(9)) "}}",
	  WORKLOAD_HELD_BY_OTHERS },
	{ "of another container",
	  "{\"metadata\":{\"labels\":{\"dcm.project/managed-by\":\"dcm\",\"dcm.project/"
	  "dcm-service-type\":\"container\","
	  "\"dcm.project/dcm-instance-id\":\"db\"}" OWNED_BY(UID(9)) "}}",
	  WORKLOAD_HELD_BY_OTHERS },
	{ "an owner without a uid", META("web", UID(2), ",\"ownerReferences\":[{}]"), WORKLOAD_HELD_BY_OTHERS },
};

Test(workload, only_an_object_of_a_previous_root_may_be_replaced)
{
	struct kube_uid root = kube_uid_parse(UID(1));

	for (size_t i = 0; i < ARRAY_LEN(holder_cases); i++) {
		cleanup_json cJSON *object = cJSON_Parse(holder_cases[i].object);

		cr_assert_not_null(object, "%s", holder_cases[i].name);
		cr_expect_eq(workload_holder(object, "web", &root), holder_cases[i].holder, "%s", holder_cases[i].name);
	}
}

/* ---- two roots with one id --------------------------------------------------------------------------------------- */

static const struct {
	struct fact root;
	struct fact other;
	bool younger;
} twin_cases[] = {
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 2 },
	  { .kind = KUBE_STATEFULSET, .name = "a", .created_ms = 1 },
	  true },
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 1 },
	  { .kind = KUBE_STATEFULSET, .name = "a", .created_ms = 2 },
	  false },
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 1 },
	  { .kind = KUBE_STATEFULSET, .name = "a", .created_ms = 1 },
	  false },
	{ { .kind = KUBE_STATEFULSET, .name = "a", .created_ms = 1 },
	  { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 1 },
	  true },
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 2 },
	  { .kind = KUBE_STATEFULSET, .name = "b", .created_ms = 1 },
	  false },
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 2 },
	  { .kind = KUBE_STATEFULSET, .name = "a", .created_ms = 1, .deleting = true },
	  false },
	{ { .kind = KUBE_DEPLOYMENT, .name = "a", .created_ms = 2 },
	  { .kind = KUBE_SERVICE, .name = "a", .created_ms = 1 },
	  false },
};

Test(workload, of_two_roots_with_one_name_the_older_is_the_container)
{
	for (size_t i = 0; i < ARRAY_LEN(twin_cases); i++) {
		const struct fact *facts[] = { &twin_cases[i].root, &twin_cases[i].other };

		cr_expect_eq(workload_is_younger_twin(facts[0], facts, ARRAY_LEN(facts)), twin_cases[i].younger, "%zu",
			     i);
	}
}
