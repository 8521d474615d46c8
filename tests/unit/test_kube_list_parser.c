#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_list_parser.h"

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

Test(kube_list_parser, items_are_parsed_at_any_split)
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

Test(kube_list_parser, a_truncated_list_is_an_error)
{
	for (size_t len = 0; len < strlen(list_text); len++) {
		struct buf names cleanup_buf = buf_make(1000);
		struct kube_list_parser list = kube_list_parser_make(collect_name, &names);
		char *token = NULL;

		(void)kube_list_parser_feed(&list, list_text, len); /* the result of finish() is checked */
		cr_expect_neq(kube_list_parser_finish(&list, &token, NULL, NULL), RC_OK, "%zu", len);
		kube_list_parser_clear(&list);
	}
}

/* 200 responses with JSON, or similar, that is not a list: none may be treated as an empty list. */
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

Test(kube_list_parser, other_json_is_an_error_and_not_an_empty_list)
{
	for (size_t i = 0; i < ARRAY_LEN(no_lists); i++) {
		struct buf names cleanup_buf = buf_make(1000);
		struct kube_list_parser list = kube_list_parser_make(collect_name, &names);
		char *token = NULL;

		(void)kube_list_parser_feed(&list, no_lists[i],
					    strlen(no_lists[i])); /* the result of finish() is checked */
		cr_expect_eq(kube_list_parser_finish(&list, &token, NULL, NULL), RC_UNAVAILABLE, "%s", no_lists[i]);
		free(token);
		kube_list_parser_clear(&list);
	}
}
