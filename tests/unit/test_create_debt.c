/* create_debt, as used by op_create, op_undo and debt_list: debts and resulting removals. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/document/merge_patch.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/container_write.h"
#include "common/container/labels.h"
#include "kube-worker/container/root.h"
#include "kube-worker/debt/create_debt.h"
#include "kube-worker/debt/debt_list.h"
#include "kube-worker/debt/ledger.h"
#include "kube-worker/operation/op.h"
#include "kube-worker/operation/permission.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_jetstream.h"
#include "tests/unit/fake_kube.h"

#define BUCKET "k8s-container-sp-p"
#define WEB "/apis/apps/v1/namespaces/ns/deployments/web"
#define A "/apis/apps/v1/namespaces/ns/deployments/a"
#define TOKEN "key:ab12"
#define RECORD "owed.key_3Aab12"
#define REQUEST_TOKEN "req:ab12"
#define REQUEST_RECORD "owed.req_3Aab12"
#define OURS "_INBOX.api-svc.abc.2-0-1"
#define OURS_AGAIN "_INBOX.api-svc.abc.2-0-2"
#define BETWEEN "_INBOX.api-svc.abc.3-0-1"
#define OTHERS "_INBOX.api-svc.abc.1-0-1"
#define UID_OLD "00000000-0000-4000-8000-000000000001"
#define UID_NEW "00000000-0000-4000-8000-000000000002"
#define UID_POSTED "00000000-0000-4000-8000-0000000000ff" /* as set by fake_kube.c */
#define STATEFUL_WEB "/apis/apps/v1/namespaces/ns/statefulsets/web"
#define STATEFULSET                                                                                               \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID_OLD "\",\"labels\":{\"dcm.project/managed-by\":\"dcm\"," \
	"\"dcm.project/dcm-instance-id\":\"web\",\"dcm.project/dcm-service-type\":\"container\"}}}"
#define READS "$JS.API.STREAM.MSG.GET.*"
#define KEY_PATIENCE_MS 30000 /* as debt_list.c has it */
#define CALL_MS 20000
#define TEXTS_MAX 16
#define SPEC(image)                                                                                                \
	"{\"service_type\":\"container\",\"metadata\":{\"name\":\"web\"},\"image\":{\"reference\":\"" image "\"}," \
	"\"resources\":{\"cpu\":{\"min\":1,\"max\":1},\"memory\":{\"min\":\"1MB\",\"max\":\"1MB\"}}}"
#define MINE SPEC("mine")
#define ANOTHER SPEC("another")

/* JetStream's rejections of a message. */
#define UNDECIDED FAKE_JETSTREAM_ERROR(10164)
#define FULL "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes exceeded\"}}"
#define DISK_FULL \
	"{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"write 1.blk: no space left on device\"}}"

/* A worker without its dispatcher, and one api-svc. */
struct worker {
	struct fake_jetstream js;
	struct ledger ledger;
	struct op_env env;
	const char *word; /* reply of the other call's owner; NULL: it is gone */
	char *texts[TEXTS_MAX];
	size_t text_count;
	struct buf result;
	struct error err;
};

static void answer(struct worker *w, const struct bus_message *question, const char *status)
{
	const struct bus_header header = { PROTOCOL_HEADER_STATUS, status };

	if (status)
		(void)fake_bus_deliver(w->js.bus, &(struct bus_outgoing){ .subject = bus_message_reply(question),
									  .headers = &header,
									  .header_count = 1 });
	else
		fake_bus_reply(w->js.bus, question, NULL);
}

/* Every attempt gets permission; our call is open. */
static void on_question(void *ctx, const struct bus_message *question)
{
	struct bus_message *readable = (struct bus_message *)(uintptr_t)question;
	struct worker *w = ctx;

	if (str_equal(bus_message_header(readable, PROTOCOL_HEADER_STATUS), PROTOCOL_STATUS_PERMISSION) ||
	    permission_same_call(OURS, bus_message_subject(question)))
		answer(w, question, "OK");
	else
		answer(w, question, w->word);
}

static void prepare(struct worker *w)
{
	struct informer_listener listener;

	*w = (struct worker){ 0 };
	w->result = buf_make(65536);
	w->js.bus = fake_bus_create();
	w->js.has_bucket = true;
	fake_jetstream_start(&w->js);
	fake_bus_listen(w->js.bus, "_INBOX.api-svc.>", on_question, w);
	w->env = (struct op_env){
		.provider = "p",
		.namespace = "ns",
		.external_service_type = "NodePort",
		.ledger = &w->ledger,
	};
	cr_assert_eq(bus_caller_create(w->js.bus, &w->env.caller, NULL), RC_OK);
	cr_assert_eq(kube_cache_create(RESOURCE_CONTAINER, &w->env.cache, NULL), RC_OK);
	ledger_init(&w->ledger, w->env.caller, w->env.provider, 0);
	listener = kube_cache_listener(w->env.cache);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++) {
		listener.list_begin(listener.ctx, (enum kube_kind)kind);
		listener.list_end(listener.ctx, (enum kube_kind)kind);
	}
}

static void stop(struct worker *w)
{
	bus_destroy(w->js.bus);
	bus_caller_destroy(w->env.caller);
	kube_cache_destroy(w->env.cache);
	fake_jetstream_clear(&w->js);
	buf_clear(&w->result);
	fake_kube_set(WEB, NULL);
	fake_kube_set(A, NULL);
	for (size_t i = 0; i < w->text_count; i++)
		free(w->texts[i]);
}

/* ---- existing objects and records -------------------------------------------------------------------------------- */

/* A Deployment made by a create. */
struct root_case {
	const char *id;    /* NULL: web */
	const char *uid;   /* NULL: UID_OLD */
	const char *token; /* NULL: TOKEN */
	const char *spec;  /* NULL: MINE */
	const char *owed;  /* ANNOTATION_OWED; NULL: its debt is a record */
	bool nameless;     /* made for an api-svc of v0.1 */
	bool deleting;
};

static const char *digest_of(const char *spec)
{
	static char digest[CREATE_DEBT_DIGEST_MAX];
	cleanup_json cJSON *tree = cJSON_Parse(spec);

	cr_assert_not_null(tree, "%s", spec);
	cr_assert_eq(create_debt_digest(tree, digest, NULL), RC_OK);
	return digest;
}

static cJSON *make_root(const struct root_case *c)
{
	const char *text = c->spec ? c->spec : MINE;
	cleanup_json cJSON *spec = cJSON_Parse(text);
	const struct container_origin origin = {
		.token = c->token ? c->token : TOKEN,
		.attempt = c->nameless ? NULL : OTHERS,
		.digest = digest_of(text),
	};
	struct buf body cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	cJSON *root, *metadata;

	cr_assert_eq(container_write_deployment(c->id ? c->id : "web", spec, NULL, &origin, &body, NULL), RC_OK);
	root = cJSON_Parse(body.data);
	metadata = json_get(root, "metadata");
	cJSON_AddStringToObject(metadata, "uid", c->uid ? c->uid : UID_OLD);
	cJSON_AddStringToObject(metadata, "resourceVersion", "7");
	cJSON_AddStringToObject(metadata, "creationTimestamp", "2026-01-01T00:00:00Z");
	if (c->owed)
		cJSON_AddStringToObject(json_get(metadata, "annotations"), ANNOTATION_OWED, c->owed);
	if (c->deleting)
		cJSON_AddStringToObject(metadata, "deletionTimestamp", "2026-01-01T00:01:00Z");
	return root;
}

/* It exists in Kubernetes. */
static void set_object(struct worker *w, const cJSON *object)
{
	cr_assert_lt(w->text_count, (size_t)TEXTS_MAX);
	w->texts[w->text_count] = cJSON_PrintUnformatted(object);
	fake_kube_set(str_equal(json_string_at(object, "metadata.name"), "a") ? A : WEB, w->texts[w->text_count++]);
}

static void set_root(struct worker *w, const struct root_case *c)
{
	cleanup_json cJSON *root = make_root(c);

	set_object(w, root);
}

/* It is in the cache of the informers. */
static void show(struct worker *w, const struct root_case *c)
{
	struct informer_listener listener = kube_cache_listener(w->env.cache);
	cleanup_json cJSON *root = make_root(c);

	cr_assert_eq(listener.object(listener.ctx, KUBE_DEPLOYMENT, KUBE_ADDED, root, NULL), RC_OK);
}

static void put_record(struct worker *w, const char *key, const struct debt *debt)
{
	struct buf value cleanup_buf = buf_make(DEBT_VALUE_MAX);

	debt_write(debt, &value);
	fake_jetstream_put(&w->js, BUCKET, key, value.data);
}

static void put_owed(struct worker *w, const char *caller)
{
	put_record(w, RECORD,
		   &(struct debt){ .state = DEBT_OWED, .id = "web", .caller = caller, .digest = digest_of(MINE) });
}

static void put_settled(struct worker *w, const char *spec)
{
	put_record(w, RECORD,
		   &(struct debt){ .state = DEBT_SETTLED, .id = "web", .uid = UID_OLD, .digest = digest_of(spec) });
}

/* The state of the record; NULL: there is none. Lives until the next call. */
static const char *state_of(struct worker *w, const char *key)
{
	static cJSON *tree;
	const char *value = fake_jetstream_get(&w->js, BUCKET, key);

	cJSON_Delete(TAKE(tree));
	tree = value ? cJSON_Parse(value) : NULL;
	return json_string_at(tree, "state");
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

struct ask {
	const char *caller; /* NULL: OURS */
	const char *id;     /* NULL: web */
	const char *token;  /* NULL: TOKEN */
	const char *spec;   /* NULL: MINE */
	int attempt;        /* 0: 1 */
};

static struct op_call make_call(struct worker *w)
{
	return (struct op_call){
		.env = &w->env,
		.deadline_ms = clock_mono_ms() + CALL_MS,
		.attempt = 1,
		.request_id = "test",
		.faults = buf_make(OP_FAULTS_MAX),
	};
}

/* A create. debt: that of its reply; "": none. */
static enum rc create(struct worker *w, const struct ask *ask, char debt[DEBT_KEY_MAX + 24])
{
	struct op_call call = make_call(w);
	cleanup_json cJSON *request = cJSON_CreateObject();
	enum rc rc;

	call.caller = ask->caller ? ask->caller : OURS;
	call.attempt = ask->attempt ? ask->attempt : 1;
	cJSON_AddStringToObject(request, "id", ask->id ? ask->id : "web");
	cJSON_AddStringToObject(request, "token", ask->token ? ask->token : TOKEN);
	cJSON_AddItemToObject(request, "spec", cJSON_Parse(ask->spec ? ask->spec : MINE));
	rc = op_create.run(&call, request, &w->result, &w->err);
	snprintf(debt, sizeof(call.debt), "%s", call.debt);
	buf_clear(&call.faults);
	return rc;
}

static enum rc undo(struct worker *w, const char *token, int sequence)
{
	struct op_call call = make_call(w);
	cleanup_json cJSON *request = cJSON_CreateObject();
	enum rc rc;

	cJSON_AddStringToObject(request, "id", "web");
	cJSON_AddStringToObject(request, "token", token);
	if (sequence)
		cJSON_AddNumberToObject(request, "sequence", sequence);
	rc = op_undo.run(&call, request, &w->result, &w->err);
	buf_clear(&call.faults);
	return rc;
}

static void sweep_once(struct worker *w, struct debt_list *list, bool all)
{
	static const atomic_bool stopping;
	struct op_call call = make_call(w);

	debt_list_sweep(list, &call, all, &stopping);
	buf_clear(&call.faults);
}

/* Two turns of a sweeper, with the time between them after which a debt by key is due. */
static void sweep(struct worker *w)
{
	struct debt_list *list;

	cr_assert_eq(debt_list_create(&list, NULL), RC_OK);
	for (int i = 0; i < 2; i++) {
		sweep_once(w, list, true);
		fake_clock_advance(KEY_PATIENCE_MS + 1);
	}
	debt_list_destroy(list);
}

static void expect_rc(const struct worker *w, const char *name, enum rc rc, enum rc expected)
{
	cr_expect_eq(rc, expected, "%s: %s (%s)", name, rc_name(rc), rc ? w->err.text : "");
}

/* The object of a POST, with UID_NEW. */
static cJSON *posted(size_t index)
{
	cJSON *root = cJSON_Parse(fake_kube_body("POST", "/deployments", index));

	cJSON_AddStringToObject(json_get(root, "metadata"), "uid", UID_NEW);
	cJSON_AddStringToObject(json_get(root, "metadata"), "creationTimestamp", "2026-01-01T00:00:00Z");
	return root;
}

/* ---- sweeping ---------------------------------------------------------------------------------------------------- */

Test(create_debt, an_early_sweep_reads_only_new_and_unfinished_records)
{
	static const struct {
		bool all;
		size_t reads;
	} turns[] = { { false, 1 }, { false, 1 }, { true, 2 }, { false, 2 } };
	struct debt_list *list;
	struct worker w;

	prepare(&w);
	put_settled(&w, MINE);
	cr_assert_eq(debt_list_create(&list, NULL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		sweep_once(&w, list, turns[i].all);
		cr_expect_eq(fake_bus_count(w.js.bus, READS), turns[i].reads, "turn %zu", i);
	}
	debt_list_destroy(list);
	stop(&w);
}

/* ---- a key whose container was deleted --------------------------------------------------------------------------- */

Test(create_debt, an_older_record_does_not_apply_to_a_newer_container_of_the_key)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	show(&w, &(struct root_case){ .spec = ANOTHER });
	put_settled(&w, ANOTHER);
	set_root(&w, &(struct root_case){ .uid = UID_NEW }); /* by another request, whose record is not visible yet */
	expect_rc(&w, "a retry", create(&w, &(struct ask){ 0 }, debt), RC_PENDING);
	cr_expect_str_eq(state_of(&w, RECORD), "settled");
	put_settled(&w, ANOTHER);
	set_root(&w, &(struct root_case){ .spec = ANOTHER });
	expect_rc(&w, "another body", create(&w, &(struct ask){ 0 }, debt), RC_KEY_REUSED);
	put_settled(&w, MINE);
	set_root(&w, &(struct root_case){ 0 });
	expect_rc(&w, "the same body", create(&w, &(struct ask){ 0 }, debt), RC_OK);
	cr_expect_str_eq(debt, "");
	cr_expect_eq(fake_kube_count("POST", ""), 0);
	stop(&w);
}

/* The container of a void record is about to be removed: then the key is free, for any body. */
Test(create_debt, a_container_about_to_be_removed_does_not_hold_the_key)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	show(&w, &(struct root_case){ 0 });
	set_root(&w, &(struct root_case){ 0 });
	put_record(&w, RECORD, &(struct debt){ .state = DEBT_VOID, .id = "web" });
	expect_rc(&w, "another body", create(&w, &(struct ask){ .spec = ANOTHER }, debt), RC_PENDING);
	stop(&w);
}

static const struct {
	const char *name;
	struct root_case there; /* no id: nothing */
	const char *id, *spec;
	enum rc rc;
	bool made;
} seen_cases[] = {
	{ "deleted, another id and body", { 0 }, "b", ANOTHER, RC_OK, true },
	{ "deleted, the same id", { 0 }, "a", ANOTHER, RC_OK, true },
	{ "being deleted, another id", { .id = "a", .deleting = true }, "b", ANOTHER, RC_OK, true },
	{ "being deleted, the same id", { .id = "a", .deleting = true }, "a", ANOTHER, RC_PENDING, false },
	{ "replaced by one of another key", { .id = "a", .token = "key:cd" }, "b", ANOTHER, RC_OK, true },
	{ "existing, another id", { .id = "a" }, "b", MINE, RC_KEY_REUSED, false },
	{ "existing, another body", { .id = "a" }, "a", ANOTHER, RC_KEY_REUSED, false },
	{ "existing, the same body", { .id = "a" }, "a", MINE, RC_OK, false },
	{ "created again with this body", { .id = "a", .uid = UID_NEW, .spec = ANOTHER }, "a", ANOTHER, RC_OK, false },
};

Test(create_debt, a_cached_container_of_the_key_is_verified_in_kubernetes)
{
	for (size_t i = 0; i < ARRAY_LEN(seen_cases); i++) {
		size_t before = fake_kube_count("POST", "/deployments");
		struct worker w;
		char debt[DEBT_KEY_MAX + 24];

		prepare(&w);
		show(&w, &(struct root_case){ .id = "a" });
		if (seen_cases[i].there.id)
			set_root(&w, &seen_cases[i].there);
		expect_rc(&w, seen_cases[i].name,
			  create(&w, &(struct ask){ .id = seen_cases[i].id, .spec = seen_cases[i].spec }, debt),
			  seen_cases[i].rc);
		cr_expect_eq(fake_kube_count("POST", "/deployments") - before, seen_cases[i].made, "%s",
			     seen_cases[i].name);
		stop(&w);
	}
}

Test(create_debt, an_unavailable_kubernetes_does_not_free_a_key)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	show(&w, &(struct root_case){ .id = "a" });
	fake_kube_refuse("GET", RC_UNAVAILABLE, "away");
	expect_rc(&w, "another id", create(&w, &(struct ask){ .id = "b" }, debt), RC_UNAVAILABLE);
	stop(&w);
}

/* ---- marks together with records --------------------------------------------------------------------------------- */

/* A create without JetStream, with a reply to its client and a settled mark; Kubernetes has the resulting object. */
static void make_without_jetstream(struct worker *w)
{
	cleanup_json cJSON *made = NULL;
	cleanup_json cJSON *patch = NULL;
	struct op_call call;
	char debt[DEBT_KEY_MAX + 24];

	w->js.absent = true;
	expect_rc(w, "without JetStream", create(w, &(struct ask){ .caller = BETWEEN }, debt), RC_OK);
	cr_assert_str_eq(debt, PROTOCOL_DEBT_OBJECT);
	made = posted(0);
	set_object(w, made);
	call = make_call(w);
	cr_assert_eq(root_mark_settled(&call, "web", UID_NEW, NULL), RC_OK);
	buf_clear(&call.faults);
	patch = cJSON_Parse(fake_kube_body("PATCH", "/deployments/web", 0));
	cr_assert_eq(merge_patch_member(made, patch, "metadata", NULL), RC_OK);
	set_object(w, made);
	w->js.absent = false;
}

static const struct {
	const char *name;
	struct debt record;
} older_records[] = {
	{ "owed", { .state = DEBT_OWED, .id = "web", .caller = OTHERS } },
	{ "settled", { .state = DEBT_SETTLED, .id = "web", .uid = UID_OLD } },
	{ "void", { .state = DEBT_VOID, .id = "web" } },
};

/* JetStream had the record of an earlier request of the key, was down for the next one, and has the record again. */
Test(create_debt, a_create_answered_without_jetstream_survives_any_older_record)
{
	struct worker w;

	prepare(&w);
	make_without_jetstream(&w);
	for (size_t i = 0; i < ARRAY_LEN(older_records); i++) {
		put_record(&w, RECORD, &older_records[i].record);
		sweep(&w);
		cr_expect_eq(fake_kube_count("DELETE", ""), 0, "%s", older_records[i].name);
	}
	stop(&w);
}

Test(create_debt, retries_return_the_container_despite_any_older_record)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	make_without_jetstream(&w);
	fake_kube_refuse("POST", RC_ALREADY_EXISTS, "the name is taken");
	for (size_t i = 0; i < ARRAY_LEN(older_records); i++) {
		put_record(&w, RECORD, &older_records[i].record);
		expect_rc(&w, older_records[i].name, create(&w, &(struct ask){ 0 }, debt), RC_OK);
		cr_expect_str_eq(debt, "", "%s: %s", older_records[i].name, debt);
	}
	cr_expect_eq(fake_kube_count("DELETE", ""), 0);
	stop(&w);
}

Test(create_debt, a_container_created_by_v0_1_survives_any_older_record)
{
	struct worker w;

	prepare(&w);
	set_root(&w, &(struct root_case){ .uid = UID_NEW, .nameless = true });
	for (size_t i = 0; i < ARRAY_LEN(older_records); i++) {
		put_record(&w, RECORD, &older_records[i].record);
		sweep(&w);
		cr_expect_eq(fake_kube_count("DELETE", ""), 0, "%s", older_records[i].name);
	}
	stop(&w);
}

Test(create_debt, an_owed_container_is_deleted)
{
	struct worker w;

	prepare(&w);
	set_root(&w, &(struct root_case){ 0 });
	put_owed(&w, OTHERS);
	sweep(&w);
	cr_expect_eq(fake_kube_count("DELETE", "/deployments/web"), 1);
	stop(&w);
}

/* Its record, unreadable without JetStream, may still be owed: it would be swept after a successful reply. */
Test(create_debt, without_jetstream_a_container_with_a_record_is_unavailable)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	set_root(&w, &(struct root_case){ 0 });
	w.js.absent = true;
	fake_kube_refuse("POST", RC_ALREADY_EXISTS, "the name is taken");
	expect_rc(&w, "not in the cache yet", create(&w, &(struct ask){ 0 }, debt), RC_UNAVAILABLE);
	expect_rc(&w, "a later attempt", create(&w, &(struct ask){ .caller = OURS_AGAIN, .attempt = 2 }, debt),
		  RC_UNAVAILABLE);
	show(&w, &(struct root_case){ 0 });
	expect_rc(&w, "in the cache", create(&w, &(struct ask){ 0 }, debt), RC_UNAVAILABLE);
	set_root(&w, &(struct root_case){ .nameless = true });
	expect_rc(&w, "made for v0.1", create(&w, &(struct ask){ 0 }, debt), RC_OK);
	cr_expect_eq(fake_kube_count("DELETE", ""), 0);
	stop(&w);
}

/* The second attempt succeeded without JetStream, with a reply; the first one, which has a record, fails only now. */
Test(create_debt, a_late_failure_keeps_a_create_answered_without_jetstream)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	set_root(&w, &(struct root_case){ .token = REQUEST_TOKEN, .uid = UID_NEW, .owed = "" });
	fake_kube_refuse("POST", RC_UNAVAILABLE, "delayed");
	expect_rc(&w, "the first attempt", create(&w, &(struct ask){ .token = REQUEST_TOKEN }, debt), RC_UNAVAILABLE);
	cr_expect_str_eq(state_of(&w, REQUEST_RECORD), "void");
	cr_expect_eq(fake_kube_count("DELETE", ""), 0);
	stop(&w);
}

/* Of two debts of one token, that on the object applies to the object. */
Test(create_debt, a_mark_takes_precedence_over_a_record)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	set_root(&w, &(struct root_case){ .owed = OTHERS });
	fake_kube_refuse("POST", RC_ALREADY_EXISTS, "the name is taken");
	w.word = "OK";
	expect_rc(&w, "its call runs", create(&w, &(struct ask){ 0 }, debt), RC_PENDING);
	w.word = PROTOCOL_STATUS_SETTLED;
	expect_rc(&w, "its client has the reply", create(&w, &(struct ask){ 0 }, debt), RC_OK);
	cr_expect_str_eq(debt, "");
	w.word = "CANCELLED";
	show(&w, &(struct root_case){ .owed = OTHERS });
	cr_expect_eq(fake_kube_count("PATCH", "/deployments/web"), 0);
	expect_rc(&w, "its call is over", create(&w, &(struct ask){ 0 }, debt), RC_OK);
	cr_expect_str_eq(debt, PROTOCOL_DEBT_OBJECT);
	cr_expect_eq(fake_kube_count("PATCH", "/deployments/web"), 2);
	cr_expect_eq(fake_kube_count("DELETE", ""), 0);
	stop(&w);
}

/* No client gets an object owed to another call, which may have adopted it at the same time. */
Test(create_debt, a_mark_changed_concurrently_is_not_adopted)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	w.js.absent = true;
	set_root(&w, &(struct root_case){ .owed = OTHERS });
	fake_kube_refuse("POST", RC_ALREADY_EXISTS, "the name is taken");
	fake_kube_refuse("PATCH", RC_CONFLICT, "changed");
	expect_rc(&w, "not in the cache yet", create(&w, &(struct ask){ 0 }, debt), RC_ALREADY_EXISTS);
	show(&w, &(struct root_case){ 0 });
	expect_rc(&w, "in the cache", create(&w, &(struct ask){ 0 }, debt), RC_PENDING);
	stop(&w);
}

/*
 * Of two attempts of a call, the later one has the mark; the earlier one undoes only what is still owed to itself.
 */
Test(create_debt, a_later_attempt_rewrites_the_mark)
{
	struct worker w;
	char debt[DEBT_KEY_MAX + 24];

	prepare(&w);
	w.js.absent = true;
	set_root(&w, &(struct root_case){ .token = REQUEST_TOKEN, .owed = OURS });
	fake_kube_refuse("POST", RC_ALREADY_EXISTS, "the name is taken");
	expect_rc(&w, "the second attempt",
		  create(&w, &(struct ask){ .caller = OURS_AGAIN, .attempt = 2, .token = REQUEST_TOKEN }, debt), RC_OK);
	cr_expect_str_eq(debt, PROTOCOL_DEBT_OBJECT);
	cr_expect_str_eq(fake_kube_body("PATCH", "/deployments/web", 0),
			 "{\"metadata\":{\"uid\":\"" UID_OLD "\",\"resourceVersion\":\"7\",\"annotations\":{"
			 "\"dcm.project/owed\":\"" OURS_AGAIN "\"}}}");
	stop(&w);
}

static const struct {
	const char *owed;
	enum rc refusal; /* of the DELETE */
	size_t deletions;
} undone[] = {
	{ OURS, RC_OK, 1 },
	{ OURS, RC_CONFLICT, 3 }, /* changed since it was read, each time */
	{ OURS_AGAIN, RC_OK, 0 },
	{ "", RC_OK, 0 },
};

Test(create_debt, an_attempt_undoes_only_what_is_still_owed_to_it)
{
	for (size_t i = 0; i < ARRAY_LEN(undone); i++) {
		size_t before = fake_kube_count("DELETE", "/deployments/web");
		struct worker w;
		char debt[DEBT_KEY_MAX + 24];

		prepare(&w);
		w.js.absent = true;
		set_root(&w, &(struct root_case){ .token = REQUEST_TOKEN, .uid = UID_POSTED, .owed = undone[i].owed });
		fake_kube_set(STATEFUL_WEB, STATEFULSET);
		fake_kube_refuse("DELETE", undone[i].refusal, "changed");
		expect_rc(&w, "fails after its POST", create(&w, &(struct ask){ .token = REQUEST_TOKEN }, debt),
			  RC_ALREADY_EXISTS);
		cr_expect_eq(fake_kube_count("DELETE", "/deployments/web") - before, undone[i].deletions, "%s, %s",
			     undone[i].owed, rc_name(undone[i].refusal));
		for (size_t k = 0; k < undone[i].deletions; k++)
			cr_expect(strstr(fake_kube_body("DELETE", "/deployments/web", before + k),
					 "\"resourceVersion\":\"7\""));
		stop(&w);
	}
}

/* ---- undoing without JetStream ----------------------------------------------------------------------------------- */

Test(create_debt, a_settled_record_is_not_undone_while_jetstream_is_down)
{
	struct worker w;
	int sequence;

	prepare(&w);
	put_settled(&w, MINE);
	sequence = (int)w.js.sequence;
	w.js.absent = true;
	cr_expect_neq(undo(&w, TOKEN, sequence), RC_OK, "without a reply to its client, the container would stay");
	w.js.absent = false;
	expect_rc(&w, "a retry", undo(&w, TOKEN, sequence), RC_OK);
	cr_expect_str_eq(state_of(&w, RECORD), "owed");
	stop(&w);
}

Test(create_debt, a_container_of_a_request_is_undone_without_jetstream)
{
	struct worker w;

	prepare(&w);
	w.js.absent = true;
	set_root(&w, &(struct root_case){ .token = REQUEST_TOKEN, .owed = "" });
	expect_rc(&w, "its mark is settled", undo(&w, REQUEST_TOKEN, 0), RC_OK);
	cr_expect_eq(fake_kube_count("DELETE", "/deployments/web"), 1);
	stop(&w);
}

/*
 * ---- JetStream's rejections ----------------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	struct {
		unsigned count;
		const char *error;
		bool stored;
	} refuse[2];
	bool by_key;
	int attempt;        /* 0: 1 */
	const char *record; /* the existing one, of a running call; NULL: none */
	enum rc rc;
	const char *debt;  /* beginning of that of the reply; NULL: nothing was created */
	const char *state; /* of the record afterwards; NULL: there is none */
} refusals[] = {
	{ "undecided once", .refuse = { { 1, UNDECIDED, false } }, .debt = "1 ", .state = "owed" },
	{ "undecided every time", .refuse = { { 99, UNDECIDED, false } }, .rc = RC_PENDING },
	{ "undecided, and another request is first", .refuse = { { 1, UNDECIDED, false } }, .by_key = true,
	  .record = OTHERS, .rc = RC_PENDING, .state = "owed" },
	{ "undecided, and then full", .refuse = { { 1, UNDECIDED, false }, { 1, FULL, false } },
	  .debt = PROTOCOL_DEBT_OBJECT },
	{ "full", .refuse = { { 1, FULL, false } }, .debt = PROTOCOL_DEBT_OBJECT },
	{ "full, by key", .refuse = { { 1, FULL, false } }, .by_key = true, .debt = PROTOCOL_DEBT_OBJECT },
	{ "full, and the first attempt has a record", .refuse = { { 2, FULL, false } }, .attempt = 2, .record = OURS,
	  .rc = RC_UNAVAILABLE, .state = "owed" },
	{ "not stored once", .refuse = { { 1, DISK_FULL, false } }, .debt = "1 ", .state = "owed" },
	{ "not stored any time", .refuse = { { 99, DISK_FULL, false } }, .rc = RC_UNAVAILABLE },
	{ "stored on another server", .refuse = { { 1, DISK_FULL, true } }, .debt = "2 ", .state = "owed" },
	{ "perhaps stored, and then full", .refuse = { { 1, DISK_FULL, false }, { 1, FULL, false } },
	  .rc = RC_UNAVAILABLE },
};

Test(create_debt, rejected_records)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const bool by_key = refusals[i].by_key;
		const char *token = by_key ? TOKEN : REQUEST_TOKEN;
		const char *key = by_key ? RECORD : REQUEST_RECORD;
		size_t before = fake_kube_count("POST", "/deployments");
		struct ask ask = { .token = token, .attempt = refusals[i].attempt };
		const char *state;
		struct worker w;
		char debt[DEBT_KEY_MAX + 24];

		prepare(&w);
		w.word = "OK";
		if (refusals[i].record)
			put_record(&w, key,
				   &(struct debt){ .state = DEBT_OWED, .id = "web", .caller = refusals[i].record });
		for (size_t k = 0; k < ARRAY_LEN(w.js.refuse); k++) {
			w.js.refuse[k].count = refusals[i].refuse[k].count;
			w.js.refuse[k].error = refusals[i].refuse[k].error;
			w.js.refuse[k].stored = refusals[i].refuse[k].stored;
		}
		if (ask.attempt > 1)
			ask.caller = OURS_AGAIN;
		expect_rc(&w, refusals[i].name, create(&w, &ask, debt), refusals[i].rc);
		cr_expect(refusals[i].debt ? str_has_prefix(debt, refusals[i].debt) : !debt[0], "%s: %s",
			  refusals[i].name, debt);
		cr_expect_eq(fake_kube_count("POST", "/deployments") - before, refusals[i].debt != NULL, "%s",
			     refusals[i].name);
		state = state_of(&w, key);
		cr_expect(str_equal(state, refusals[i].state) || (!state && !refusals[i].state), "%s: %s",
			  refusals[i].name, state ? state : "none");
		stop(&w);
	}
}

static const struct {
	const char *a, *b;
	bool same;
} digest_cases[] = {
	{ "{\"a\":1,\"b\":[1,2]}", "{ \"b\": [1, 2], \"a\": 1 }", true },
	{ "{\"a\":{\"x\":1,\"y\":null}}", "{\"a\":{\"y\":null,\"x\":1}}", true },
	{ "{\"a\":[1,2]}", "{\"a\":[2,1]}", false },
	{ "{\"a\":1}", "{\"a\":\"1\"}", false },
	{ "{\"a\":1}", "{\"a\":1,\"b\":null}", false },
	{ "{\"a\":[]}", "{\"a\":{}}", false },
	{ "{}", "{}", true },
};

Test(create_debt, equal_json_values_have_equal_digests)
{
	for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++) {
		char a[CREATE_DEBT_DIGEST_MAX];

		snprintf(a, sizeof(a), "%s", digest_of(digest_cases[i].a));
		cr_expect_eq(strlen(a), sizeof(a) - 1);
		cr_expect_eq(strcmp(a, digest_of(digest_cases[i].b)) == 0, digest_cases[i].same, "%s and %s",
			     digest_cases[i].a, digest_cases[i].b);
	}
}
