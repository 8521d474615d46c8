#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/http/target.h"
#include "common/base/buf.h"

/* The parts of a target: "segment|segment?name=value&name=value", or an error. */
struct target_case {
	const char *text;
	const char *parts; /* NULL: rejected */
};

static const struct target_case cases[] = {
	{ "/", "" },
	{ "/a", "a" },
	{ "/a/b", "a|b" },
	{ "/a/", "a|" },
	{ "//", "|" },
	{ "/a//b", "a||b" },
	{ "/a%2Fb/c", "a/b|c" },
	{ "/%61", "a" },
	{ "/a/../b", "a|..|b" },
	{ "/%2e%2e", ".." },
	{ "/%C3%A4", "\xC3\xA4" },
	{ "/a?", "a" },
	{ "/a?x=1&y=2", "a?x=1&y=2" },
	{ "/a?x", "a?x=" },
	{ "/a?x=", "a?x=" },
	{ "/a?x=1=2", "a?x=1=2" },
	{ "/a?&&x=1&", "a?x=1" },
	{ "/a?x=a+b%2Bc", "a?x=a b+c" },
	{ "/a+b", "a+b" },
	{ "/a?x=%26%3D", "a?x=&=" },
	{ "/a?x=1?y", "a?x=1?y" },
	{ "/a?x=/b", "a?x=/b" },
	{ "http://host/a?x=1", "a?x=1" },
	{ "HTTPS://host:1/a", "a" },
	{ "http://host", "" },
	{ "http://host?x=1", "?x=1" },
	{ "", NULL },
	{ "a", NULL },
	{ "*", NULL },
	{ "host:443", NULL },
	{ "ftp://host/a", NULL },
	{ "/%", NULL },
	{ "/%2", NULL },
	{ "/%zz", NULL },
	{ "/a%00b", NULL },
	{ "/%ff", NULL },
	{ "/a?x=%", NULL },
	{ "/a?%zz=1", NULL },
	{ "/a?x=%00", NULL },
	{ "/a?x=%C3", NULL },
};

static void describe(const struct target *t, struct buf *out)
{
	for (size_t i = 0; i < t->segment_count; i++)
		buf_addf(out, "%s%s", i ? "|" : "", t->segments[i]);
	for (size_t i = 0; i < t->query_count; i++)
		buf_addf(out, "%s%s=%s", i ? "&" : "?", t->query[i].name, t->query[i].value);
}

Test(target, is_split_before_it_is_decoded)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct target t cleanup_target = { .path = NULL };
		struct buf got cleanup_buf = buf_make(1000);
		struct error err = { .rc = RC_OK };
		enum rc rc = target_parse(cases[i].text, &t, &err);

		cr_expect_eq(rc, cases[i].parts ? RC_OK : RC_INVALID_ARGUMENT, "'%s': %s", cases[i].text, err.text);
		describe(&t, &got);
		if (cases[i].parts)
			cr_expect_str_eq(got.data, cases[i].parts, "'%s': got '%s'", cases[i].text, got.data);
	}
}

Test(target, the_path_is_kept_as_received)
{
	static const char *const texts[][2] = {
		{ "/a%2Fb?x=1", "/a%2Fb" },
		{ "/a%zz?x", "/a%zz" },
		{ "http://h/x", "/x" },
		{ "http://h", "/" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct target t cleanup_target = { .path = NULL };

		cr_assert_neq(target_parse(texts[i][0], &t, NULL), RC_NO_MEMORY);
		cr_expect_str_eq(t.path, texts[i][1]);
	}
}

Test(target, long_paths_and_queries_are_bounded)
{
	struct buf text cleanup_buf = buf_make(100000);
	struct target t cleanup_target = { .path = NULL };
	struct target u cleanup_target = { .path = NULL };

	for (int i = 0; i < 1000; i++)
		buf_add_str(&text, "/a");
	cr_expect_eq(target_parse(text.data, &t, NULL), RC_OK);
	cr_expect_eq(t.segment_count, TARGET_SEGMENTS_MAX + 1);
	buf_reset(&text);
	buf_add_str(&text, "/?");
	for (int i = 0; i <= TARGET_QUERY_MAX; i++)
		buf_add_str(&text, "x&");
	cr_expect_eq(target_parse(text.data, &u, NULL), RC_INVALID_ARGUMENT);
}
