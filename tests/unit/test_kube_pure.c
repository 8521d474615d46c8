/* labels, quantity, kube_path, kube_json, kube_list_parser, kube_watch_parser, informer_machine. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/quantity.h"
#include "common/kube/informer_machine.h"
#include "common/kube/kube_json.h"
#include "common/kube/kube_list_parser.h"
#include "common/kube/kube_path.h"
#include "common/kube/kube_watch_parser.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

Test(labels, keys_and_values_as_kubernetes_sees_them)
{
	static const struct {
		const char *text;
		bool key_good, value_good;
	} cases[] = {
		{ "app", true, true },
		{ "", false, true },
		{ L63, true, true },
		{ L63 "h", false, false },
		{ "a.b_c-d", true, true },
		{ "-a", false, false },
		{ "a-", false, false },
		{ "a b", false, false },
		{ "example.com/app", true, false },
		{ "ex-ample.com/App", true, false },
		{ "Example.com/app", false, false },
		{ "example..com/app", false, false },
		{ "-example.com/app", false, false },
		{ "example-.com/app", false, false },
		{ "example.com/", false, false },
		{ "/app", false, false },
		{ "a/b/c", false, false },
		{ "\xC3\xA9", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(label_key_fault(cases[i].text) == NULL, cases[i].key_good, "key '%s'", cases[i].text);
		cr_expect_eq(label_value_fault(cases[i].text) == NULL, cases[i].value_good, "value '%s'",
			     cases[i].text);
	}
}

Test(quantity, kubernetes_amounts)
{
	static const struct {
		const char *text;
		int64_t unit;
		bool good;
		int64_t value;
	} cases[] = {
		{ "1", 1000, true, 1000 },
		{ "500m", 1000, true, 500 },
		{ "0.5", 1000, true, 500 },
		{ "1.0005", 1000, true, 1001 },
		{ "1n", 1000, true, 1 },
		{ "2k", 1, true, 2000 },
		{ "1Gi", 1, true, 1 << 30 },
		{ "1536Mi", 1, true, 1610612736 },
		{ "1.5Gi", 1, true, 1610612736 },
		{ "1e3", 1, true, 1000 },
		{ "1E3", 1, true, 1000 },
		{ "5e-1", 1000, true, 500 },
		{ "128974848", 1, true, 128974848 },
		{ "8Ei", 1, false, 0 },
		{ "", 1, false, 0 },
		{ "Mi", 1, false, 0 },
		{ "1Xi", 1, false, 0 },
		{ "-1", 1, false, 0 },
		{ "99999999999999999999", 1, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;

		cr_expect_eq(quantity_parse(cases[i].text, cases[i].unit, &value), cases[i].good, "'%s'",
			     cases[i].text);
		cr_expect_eq(value, cases[i].value, "'%s': %ld", cases[i].text, (long)value);
	}
}

Test(quantity, client_amounts)
{
	static const struct {
		const char *cpu; /* JSON */
		int64_t milli;   /* 0: refused */
	} cpus[] = {
		{ "1", 1000 },       { "\"2\"", 2000 },
		{ "\"500m\"", 500 }, { "0", 0 },
		{ "1.5", 0 },        { "\"1.5\"", 0 },
		{ "\"0\"", 0 },      { "\"0500m\"", 0 },
		{ "\"-1\"", 0 },     { "true", 0 },
		{ "\"\"", 0 },       { "\"m\"", 0 },
		{ "\"1k\"", 0 },     { "\"9999999999999999999\"", 0 },
	};
	static const struct {
		const char *memory;
		int64_t bytes; /* 0: refused */
	} memories[] = {
		{ "1MB", 1 << 20 },   { "1024MB", 1 << 30 }, { "1GB", 1 << 30 },
		{ "2TB", 2LL << 40 }, { "0MB", 0 },          { "1", 0 },
		{ "1Mi", 0 },         { "MB", 0 },           { "-1MB", 0 },
		{ "1.5GB", 0 },       { "9999999999TB", 0 }, { "007MB", 7 << 20 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
		cleanup_json cJSON *value = cJSON_Parse(cpus[i].cpu);
		int64_t milli = 0;

		cr_expect_eq(quantity_parse_cpu(value, &milli), cpus[i].milli != 0, "%s", cpus[i].cpu);
		cr_expect_eq(milli, cpus[i].milli, "%s", cpus[i].cpu);
	}
	for (size_t i = 0; i < ARRAY_LEN(memories); i++) {
		int64_t bytes = 0;

		cr_expect_eq(quantity_parse_memory(memories[i].memory, &bytes), memories[i].bytes != 0, "%s",
			     memories[i].memory);
		cr_expect_eq(bytes, memories[i].bytes, "%s", memories[i].memory);
	}
}

Test(kube_path, every_part_is_encoded_and_nothing_is_cut)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	char name[254];

	memset(name, 'n', 253);
	name[253] = '\0';
	kube_path_add(&path, KUBE_DEPLOYMENT, "a/b", name);
	kube_path_add_query(&path, "labelSelector", "a=b,c");
	kube_path_add_query(&path, "limit", "5");
	cr_expect(strncmp(path.data, "/apis/apps/v1/namespaces/a%2Fb/deployments/nnn", 44) == 0, "%s", path.data);
	cr_expect_not_null(strstr(path.data, name));
	cr_expect_not_null(strstr(path.data, "?labelSelector=a%3Db%2Cc&limit=5"));
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

static const struct object_row {
	const char *text;
	const char *tree;
} object_rows[] = {
	{ "{\"a\":1}", "{\"a\":1}" },
	{ "{\"managedFields\":[{\"f\":[[],[\"]\"]]}],\"b\":[2]}", "{\"managedFields\":[],\"b\":[2]}" },
	{ "{\"managedFields\":[\"\\\"]\"],\"b\":2}", "{\"managedFields\":[],\"b\":2}" },
	{ "{\"a\":\"\\\"managedFields\\\":[\"}", "{\"a\":\"\\\"managedFields\\\":[\"}" },
	{ "{\"managedFields\":[]}", "{\"managedFields\":[]}" },
	{ "{\"managedFields\":[[]", NULL },
	{ "{\"managedFields\":[\"\\", NULL },
};

Test(kube_json, is_read_without_its_managed_fields)
{
	for (size_t i = 0; i < ARRAY_LEN(object_rows); i++) {
		const struct object_row *row = &object_rows[i];
		cleanup_free char *text = str_dup(row->text);
		cleanup_json cJSON *tree = NULL;
		cleanup_free char *printed = NULL;

		cr_expect((kube_json_parse(text, strlen(text), &tree, NULL) == RC_OK) == (row->tree != NULL), "%s",
			  row->text);
		printed = tree ? cJSON_PrintUnformatted(tree) : NULL;
		cr_expect(str_equal(printed, row->tree), "%s", row->text);
	}
}

static const struct {
	const char *status;
	int granted;
} wish_rows[] = {
	{ "{}", 0 },
	{ "{\"details\":[]}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":3}}", 3 },
	{ "{\"details\":{\"retryAfterSeconds\":2147483647}}", 60 },
	{ "{\"details\":{\"retryAfterSeconds\":-7}}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":1e300}}", 0 },
	{ "{\"details\":{\"retryAfterSeconds\":\"3\"}}", 0 },
};

Test(kube_json, what_a_status_wishes_is_granted_within_bounds)
{
	for (size_t i = 0; i < ARRAY_LEN(wish_rows); i++) {
		cleanup_json cJSON *status = cJSON_Parse(wish_rows[i].status);

		cr_expect_eq(kube_json_retry_after_s(status), wish_rows[i].granted, "%s", wish_rows[i].status);
	}
}

/* ---- lists --------------------------------------------------------------------------------------------------------
 */

static const char list_text[] =
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"to]k{e\\\"n\"},"
	"\"items\":[{\"metadata\":{\"name\":\"a\",\"items\":[1,2]}}, "
	"{\"metadata\":{\"name\":\"b}]\\\"\"}}\n],\"x\":\"items\",\"y\":[1]}";

static enum rc collect_name(void *ctx, const cJSON *item, struct error *err unused)
{
	const char *name = json_string_at(item, "metadata.name");

	buf_addf(ctx, "%s|", name ? name : "");
	return RC_OK;
}

Test(kube_list_parser, items_arrive_however_the_bytes_are_cut)
{
	for (size_t piece = 1; piece <= strlen(list_text); piece++) {
		struct buf names cleanup_buf = buf_make(1000);
		struct kube_list_parser list = kube_list_parser_make(collect_name, &names);
		cleanup_free char *token = NULL;
		cleanup_free char *version = NULL;
		struct error err = { 0 };

		for (size_t at = 0; at < strlen(list_text); at += piece) {
			size_t len = strlen(list_text) - at < piece ? strlen(list_text) - at : piece;

			cr_assert(kube_list_parser_feed(&list, list_text + at, len), "piece %zu", piece);
		}
		cr_assert_eq(kube_list_parser_finish(&list, &token, &version, &err), RC_OK, "piece %zu: %s", piece,
			     err.text);
		cr_expect_str_eq(names.data, "a|b}]\"|", "piece %zu", piece);
		cr_expect_str_eq(token, "to]k{e\"n");
		cr_expect_str_eq(version, "7");
		kube_list_parser_clear(&list);
	}
}

Test(kube_list_parser, an_early_end_is_an_error)
{
	for (size_t len = 0; len < strlen(list_text); len++) {
		struct buf names cleanup_buf = buf_make(1000);
		struct kube_list_parser list = kube_list_parser_make(collect_name, &names);
		char *token = NULL;

		(void)kube_list_parser_feed(&list, list_text, len); /* the end is what is looked at */
		cr_expect_neq(kube_list_parser_finish(&list, &token, NULL, NULL), RC_OK, "%zu", len);
		kube_list_parser_clear(&list);
	}
}

/* Answers of 200 that are JSON, or nearly, and no list: none may be taken for an empty one. */
static const char *const no_lists[] = {
	"{}",
	"[]",
	"null",
	"\"items\"",
	"[{\"items\":[]}]",
	"{\"kind\":\"Status\",\"status\":\"Success\"}",
	"{\"metadata\":{\"items\":[]}}",
	"{\"items\":{}}",
	"{\"items\":{\"metadata\":{}}}",
	"{\"items\":\"a\"}",
	"{\"items\":1}",
	"{\"items\":[null]}",
	"{\"items\":[1]}",
	"{\"items\":[\"a\"]}",
	"{\"items\":[[]]}",
	"{\"items\":[[{}]]}",
	"{\"items\":[{]}",
	"{\"items\":[{}}}",
	"{\"items\":[}]}",
	"{\"items\":[]}}",
	"{\"items\":[]}{\"items\":[]}",
	"<html><body>{\"items\":[]}</body></html>",
};

Test(kube_list_parser, what_is_no_list_is_not_an_empty_one)
{
	for (size_t i = 0; i < ARRAY_LEN(no_lists); i++) {
		struct buf names cleanup_buf = buf_make(1000);
		struct kube_list_parser list = kube_list_parser_make(collect_name, &names);
		char *token = NULL;

		(void)kube_list_parser_feed(&list, no_lists[i], strlen(no_lists[i])); /* the end is what is looked at */
		cr_expect_eq(kube_list_parser_finish(&list, &token, NULL, NULL), RC_UNAVAILABLE, "%s", no_lists[i]);
		free(token);
		kube_list_parser_clear(&list);
	}
}

/* ---- watches ------------------------------------------------------------------------------------------------------
 */

static enum rc collect_event(void *ctx, enum kube_event event, const cJSON *object, struct error *err)
{
	const char *name = json_string_at(object, "metadata.name");

	if (event == KUBE_ERROR)
		return error_set(err, RC_EXPIRED, "gone");
	buf_addf(ctx, "%d:%s|", (int)event, name ? name : "-");
	return RC_OK;
}

Test(kube_watch, events_arrive_however_the_bytes_are_cut)
{
	static const char text[] =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n\n"
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n"
		"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"b\\n\"}}}\n{\"type\":\"ADD";

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct buf events cleanup_buf = buf_make(1000);
		struct kube_watch_parser watch = kube_watch_parser_make(collect_event, &events);

		for (size_t at = 0; at < strlen(text); at += piece)
			cr_assert(kube_watch_parser_feed(&watch, text + at,
							 strlen(text) - at < piece ? strlen(text) - at : piece));
		cr_expect_str_eq(events.data, "0:a|3:-|2:b\n|", "piece %zu", piece);
		kube_watch_parser_clear(&watch);
	}
}

Test(kube_watch, faults_end_it)
{
	static const struct {
		const char *text;
		enum rc rc;
	} cases[] = {
		{ "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n", RC_EXPIRED },
		{ "{\"type\":\"NEW\",\"object\":{}}\n", RC_UNAVAILABLE },
		{ "{\"type\":\"ADDED\"}\n", RC_UNAVAILABLE },
		{ "<html>\n", RC_UNAVAILABLE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf events cleanup_buf = buf_make(1000);
		struct kube_watch_parser watch = kube_watch_parser_make(collect_event, &events);

		cr_expect_not(kube_watch_parser_feed(&watch, cases[i].text, strlen(cases[i].text)), "%s",
			      cases[i].text);
		cr_expect_eq(watch.failed, cases[i].rc, "%s", cases[i].text);
		kube_watch_parser_clear(&watch);
	}
}

Test(informer_machine, every_pair)
{
	int possible = 0;

	for (int state = 0; state < INFORMER_STATE_COUNT; state++) {
		for (int event = 0; event < INFORMER_EVENT_COUNT; event++) {
			struct informer_step step = informer_step((enum informer_state)state,
								  (enum informer_event)event);

			cr_expect_lt((int)step.next, INFORMER_STATE_COUNT);
			/* A pause leads to waiting, and waiting is only reached by a pause. */
			cr_expect_eq(step.pause != INFORMER_NO_PAUSE,
				     step.next == INFORMER_WAITING_LIST || step.next == INFORMER_WAITING_WATCH,
				     "%s, %s", informer_state_name((enum informer_state)state),
				     informer_event_name((enum informer_event)event));
			possible += !step.impossible;
		}
	}
	cr_expect_eq(possible, 11);
}

Test(informer_machine, an_expired_version_leads_to_a_list_and_a_lost_connection_does_not)
{
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_EXPIRED).next, INFORMER_WAITING_LIST);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_BROKEN).next, INFORMER_WAITING_LIST);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_FAILED).next, INFORMER_WAITING_WATCH);
	cr_expect_eq(informer_step(INFORMER_WATCHING, INFORMER_WATCH_ENDED).next, INFORMER_WATCHING);
}
