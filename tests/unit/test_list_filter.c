/* list_fields, list_filter and list_order. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/container/list_filter.h"
#include "common/container/list_order.h"

#define LABELS "team=shop\0example.com/tier=db-1\0empty=\0"

static const struct list_subject subject = {
	.name = "web-1",
	.instance_id = "web-1",
	.spec_name = "web",
	.image = "docker.io/library/nginx:1.27",
	.labels = LABELS,
	.created_ms = 1767323045000, /* 2026-01-02T03:04:05Z */
	.status = CONTAINER_RUNNING,
};

Test(list_filter, expressions_are_evaluated)
{
	static const struct {
		const char *filter;
		bool matches;
	} cases[] = {
		{ "id = \"web-1\"", true },
		{ "id=web-1", true },
		{ "id = 'web-1'", true },
		{ " \tid  =  web-1 ", true },
		{ "id = web", false },
		{ "id != web", true },
		{ "id : web", true },
		{ "id:w", true },
		{ "id:x", false },
		{ "id:*", true },
		{ "id = *", false },
		{ "name = web", true },
		{ "name < \"x\"", true },
		{ "name <= web", true },
		{ "name > web", false },
		{ "name >= web", true },
		{ "image : \"nginx:\"", true },
		{ "image:nginx:1.27", true },
		{ "image = docker.io/library/nginx:1.27", true },
		{ "image = \"docker.io/library/nginx\"", false },
		{ "status = RUNNING", true },
		{ "status = \"PENDING\"", false },
		{ "status != PENDING", true },
		{ "status : RUNNING", true },
		{ "create_time = 2026-01-02T03:04:05Z", true },
		{ "create_time = \"2026-01-02T04:04:05+01:00\"", true },
		{ "create_time != 2026-01-02T03:04:05Z", false },
		{ "create_time < 2026-01-02T03:04:05.001Z", true },
		{ "create_time > 2026-01-02T03:04:05Z", false },
		{ "create_time >= 2026-01-02T03:04:05Z", true },
		{ "create_time <= 2026-01-02T03:04:04Z", false },
		{ "create_time:*", true },
		{ "labels.team = shop", true },
		{ "labels.team = sho", false },
		{ "labels.tea = shop", false },
		{ "labels.team != shop", false },
		{ "labels.team != x", true },
		{ "labels.none = x", false },
		{ "labels.none != x", false },
		{ "NOT labels.none = x", true },
		{ "labels.none < x", false },
		{ "labels.team:shop", true },
		{ "labels.team:*", true },
		{ "labels.none:*", false },
		{ "labels:team", true },
		{ "labels:\"example.com/tier\"", true },
		{ "labels:none", false },
		{ "labels:*", true },
		{ "labels.example.com/tier = db-1", true },
		{ "labels.\"example.com/tier\" = db-1", true },
		{ "labels.empty = ''", true },
		{ "labels.empty = \"\"", true },
		{ "labels.empty:*", true },
		{ "labels.dcm.project/managed-by = dcm", false },
		{ "id=web-1 AND name=web", true },
		{ "id=web-1 AND name=x", false },
		{ "id=x OR name=x OR name=web", true },
		{ "id=x OR name=x", false },
		{ "NOT id=x", true },
		{ "NOT NOT id=x", false },
		{ "NOT (id=x OR name=web)", false },
		{ "(id=x OR name=web) AND status=RUNNING", true },
		{ "id=x OR (name=web AND status=RUNNING)", true },
		{ "((id=web-1))", true },
		{ "( id=web-1 )AND(name=web)", true },
		{ "NOT id=x AND NOT name=x", true },
		{ "name = \"a\\\"b\" OR name = 'it\\'s' OR name = \"\\\\\"", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list_filter *filter cleanup_list_filter = NULL;
		struct error err = { 0 };

		cr_assert_eq(list_filter_parse(cases[i].filter, &filter, &err), RC_OK, "%s: %s", cases[i].filter,
			     err.text);
		cr_expect_eq(list_filter_matches(filter, &subject), cases[i].matches, "%s", cases[i].filter);
	}
	cr_expect(list_filter_matches(NULL, &subject));
}

Test(list_filter, malformed_expressions_are_rejected_with_their_position)
{
	static const struct {
		const char *filter;
		size_t place;
	} cases[] = {
		{ "", 1 },
		{ "  ", 3 },
		{ "nope = 1", 1 },
		{ "id = a AND nope = 1", 12 },
		{ "ID = a", 1 },
		{ "id", 3 },
		{ "id =", 5 },
		{ "id = ", 6 },
		{ "id a", 4 },
		{ "id == a", 4 },
		{ "id =! a", 4 },
		{ "id <> a", 4 },
		{ "id = AND", 6 },
		{ "id = a AND", 11 },
		{ "AND id = a", 1 },
		{ "id = a b", 8 },
		{ "id = a and name = b", 8 },
		{ "id = a AND name = b OR name = c", 21 },
		{ "id = a OR name = b AND name = c", 20 },
		{ "(id = a", 1 },
		{ "id = a AND (name = b", 12 },
		{ "id = a)", 7 },
		{ "(id = a b)", 9 },
		{ "()", 2 },
		{ "NOT", 4 },
		{ "id = \"a", 6 },
		{ "name = \"\xc3\xa9\" AND x = 1", 16 },
		{ "id = a;", 7 },
		{ "status = NOPE", 10 },
		{ "status = DELETED", 10 },
		{ "status = running", 10 },
		{ "status < RUNNING", 8 },
		{ "create_time = yesterday", 15 },
		{ "create_time > 2026-01-02", 15 },
		{ "create_time : 2026", 15 },
		{ "labels = a", 8 },
		{ "labels. = a", 8 },
		{ "labels.\"a = b", 8 },
		{ "spec.image = a", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list_filter *filter = NULL;
		struct error err = { 0 };
		char place[32];

		cr_expect_eq(list_filter_parse(cases[i].filter, &filter, &err), RC_INVALID_ARGUMENT, "%s",
			     cases[i].filter);
		snprintf(place, sizeof(place), "at character %zu: ", cases[i].place);
		cr_expect_eq(strncmp(err.text, place, strlen(place)), 0, "%s: %s", cases[i].filter, err.text);
		cr_expect_null(filter);
	}
}

static enum rc parse_repeated(const char *first, const char *again, int count, const char *last)
{
	struct list_filter *filter cleanup_list_filter = NULL;
	struct buf text cleanup_buf = buf_make(1 << 20);
	struct error err;

	buf_add_str(&text, first);
	for (int i = 0; i < count; i++)
		buf_add_str(&text, again);
	buf_add_str(&text, last);
	return list_filter_parse(text.data, &filter, &err);
}

Test(list_filter, terms_depth_and_length_are_limited)
{
	cr_expect_eq(parse_repeated("id=a", " AND id=a", LIST_FILTER_TERMS - 1, ""), RC_OK);
	cr_expect_eq(parse_repeated("id=a", " AND id=a", LIST_FILTER_TERMS, ""), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_repeated("id=a", " AND id=a", 1000, ""), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_repeated("", "(", LIST_FILTER_DEPTH, "id=a"), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_repeated("", "(", 4000, ""), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_repeated("", "NOT ", LIST_FILTER_DEPTH - 1, "id=a"), RC_OK);
	cr_expect_eq(parse_repeated("", "NOT ", LIST_FILTER_DEPTH, "id=a"), RC_INVALID_ARGUMENT);
	cr_expect_eq(parse_repeated("id=", "a", LIST_FILTER_MAX - 3, ""), RC_OK);
	cr_expect_eq(parse_repeated("id=", "a", LIST_FILTER_MAX - 2, ""), RC_INVALID_ARGUMENT);
}

Test(list_filter, label_terms_become_a_selector)
{
	static const struct {
		const char *filter;
		const char *selector;
		bool all;
	} cases[] = {
		{ "labels.team = shop", ",team=shop", true },
		{ "labels.team:shop", ",team=shop", true },
		{ "labels.team:*", ",team", true },
		{ "labels:team", ",team", true },
		{ "labels.a = ''", ",a=", true },
		{ "id = web-1", ",dcm.project/dcm-instance-id=web-1", true },
		{ "id : web-1", "", false },
		{ "labels.team = shop AND labels.a.b/c = d", ",team=shop,a.b/c=d", true },
		{ "status = RUNNING AND labels.team = shop", ",team=shop", false },
		{ "labels.team = shop AND (labels.a = b OR labels.c = d)", ",team=shop", false },
		{ "labels.team = shop OR labels.a = b", "", false },
		{ "NOT labels.team = shop", "", false },
		{ "labels.team != shop", "", false },
		{ "labels.team = \"no label value\"", "", false },
		{ "labels.team = \"x,b=c\"", "", false },
		{ "labels.\"no key\" = x", "", false },
		{ "labels:\"no key\"", "", false },
		{ "labels:*", "", false },
		{ "labels.dcm.project/managed-by = dcm", "", false },
		{ "labels:dcm.project/managed-by", "", false },
		{ "id = \"no value\"", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list_filter *filter cleanup_list_filter = NULL;
		struct buf selector cleanup_buf = buf_make(LIST_SELECTOR_MAX);

		cr_assert_eq(list_filter_parse(cases[i].filter, &filter, NULL), RC_OK, "%s", cases[i].filter);
		cr_expect_eq(list_filter_select(filter, &selector), cases[i].all, "%s", cases[i].filter);
		cr_expect_str_eq(selector.data, cases[i].selector, "%s", cases[i].filter);
	}
}

Test(list_order, sorts_by_the_given_fields)
{
	static const struct list_subject subjects[] = {
		{ .name = "a", .instance_id = "a", .spec_name = "web", .image = "x", .labels = "", .created_ms = 2 },
		{ .name = "b", .instance_id = "b", .spec_name = "db", .image = "x", .labels = "", .created_ms = 1 },
		{ .name = "c", .instance_id = "c", .spec_name = "web", .image = "w", .labels = "", .created_ms = 1 },
	};
	static const struct {
		const char *order;
		const char *sorted;
	} cases[] = {
		{ "id", "abc" },
		{ "id desc", "cba" },
		{ "name", "bac" },
		{ "name desc", "acb" },
		{ "create_time", "bca" },
		{ "create_time desc, name", "abc" },
		{ " image ,name desc", "cab" },
		{ "status,create_time desc,id desc", "acb" },
		{ "name desc,id desc", "cab" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list_order order;
		struct error err = { 0 };

		cr_assert_eq(list_order_parse(cases[i].order, &order, &err), RC_OK, "%s: %s", cases[i].order, err.text);
		for (size_t k = 1; k < ARRAY_LEN(subjects); k++) {
			const struct list_subject *one = &subjects[cases[i].sorted[k - 1] - 'a'];
			const struct list_subject *other = &subjects[cases[i].sorted[k] - 'a'];

			cr_expect_lt(list_order_compare(&order, one, other), 0, "%s", cases[i].order);
			cr_expect_gt(list_order_compare(&order, other, one), 0, "%s", cases[i].order);
		}
	}
}

Test(list_order, malformed_expressions_are_rejected_with_their_position)
{
	static const struct {
		const char *order;
		size_t place;
	} cases[] = {
		{ "", 1 },
		{ "nope", 1 },
		{ "name,", 6 },
		{ "name,,id", 6 },
		{ "name asc", 6 },
		{ "name id", 6 },
		{ "name desc desc", 11 },
		{ "name, name desc", 7 },
		{ "name descend", 10 },
		{ "-name", 1 },
		{ "labels.a", 1 },
		{ "namedesc", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list_order order = { .count = 0 };
		struct error err = { 0 };
		char place[32];

		cr_expect_eq(list_order_parse(cases[i].order, &order, &err), RC_INVALID_ARGUMENT, "%s", cases[i].order);
		snprintf(place, sizeof(place), "at character %zu: ", cases[i].place);
		cr_expect_eq(strncmp(err.text, place, strlen(place)), 0, "%s: %s", cases[i].order, err.text);
		cr_expect_eq(order.count, 0);
	}
}
