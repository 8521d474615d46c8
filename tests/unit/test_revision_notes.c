/* revision_notes: additional state of a root for each template. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/container/labels.h"
#include "kube-worker/change/change_mark.h"
#include "kube-worker/change/revision_notes.h"

#define ANNOTATIONS_MAX (256u * 1024) /* the limit of Kubernetes in bytes */

static cJSON *tree_of(const char *text)
{
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(text, strlen(text), &tree, NULL), RC_OK, "%s", text);
	return tree;
}

static cJSON *annotations_of(const cJSON *root)
{
	return json_at(root, "metadata.annotations");
}

static const char *notes_text(const cJSON *root)
{
	return cJSON_GetStringValue(json_get(annotations_of(root), ANNOTATION_REVISIONS));
}

static void set(cJSON *root, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(annotations_of(root), name);
	if (value)
		cJSON_AddStringToObject(annotations_of(root), name, value);
}

/* The root with that template, spec and change. */
static void become(cJSON *root, int template, const char *spec, const char *change)
{
	char image[32];

	snprintf(image, sizeof(image), "nginx:%d", template);
	cJSON_ReplaceItemInObjectCaseSensitive(json_at(root, "spec.template"), "image", cJSON_CreateString(image));
	set(root, ANNOTATION_SPEC, spec);
	set(root, ANNOTATION_CHANGE, change);
}

static cJSON *make_root(void)
{
	return tree_of("{\"metadata\":{\"annotations\":{}},\"spec\":{\"template\":{\"image\":\"\"}}}");
}

/* Check the note of a template; spec "-": none. */
static void expect_note(cJSON *root, int template, const char *spec, const char *change)
{
	cleanup_json cJSON *then = make_root();
	cleanup_json cJSON *notes = NULL;
	char digest[REVISION_DIGEST_MAX];
	struct revision_note note = { .spec = "-" };

	become(then, template, NULL, NULL);
	cr_assert_eq(revision_digest(then, digest, NULL), RC_OK);
	cr_assert_eq(revision_notes_read(root, &notes, NULL), RC_OK);
	(void)revision_notes_find(notes, digest, &note);
	cr_expect_str_eq(note.spec ? note.spec : "none", spec, "template %d: %s", template, note.spec);
	cr_expect_str_eq(note.change ? note.change : "none", change, "template %d: %s", template, note.change);
}

/* ---- digests ----------------------------------------------------------------------------------------------------- */

#define OBJECT(template) "{\"spec\":{\"template\":" template "}}"
#define POD "\"spec\":{\"containers\":[{\"image\":\"nginx\",\"name\":\"c\"}]}"

static const struct digest_case {
	const char *name;
	const char *object;
	bool same;
} digest_cases[] = {
	{ "the root", OBJECT("{\"metadata\":{\"labels\":{\"a\":\"b\"}}," POD "}"), true },
	{ "a ReplicaSet", OBJECT("{\"metadata\":{\"labels\":{\"a\":\"b\",\"pod-template-hash\":\"7\"}}," POD "}"),
	  true },
	{ "a ControllerRevision", OBJECT("{\"$patch\":\"replace\",\"metadata\":{\"labels\":{\"a\":\"b\"}}," POD "}"),
	  true },
	{ "from an older release",
	  OBJECT("{\"metadata\":{\"creationTimestamp\":null,\"labels\":{\"a\":\"b\"}}," POD "}"), true },
	{ "in another order", OBJECT("{" POD ",\"metadata\":{\"labels\":{\"a\":\"b\"}}}"), true },
	{ "another label", OBJECT("{\"metadata\":{\"labels\":{\"a\":\"c\"}}," POD "}"), false },
	{ "an annotation", OBJECT("{\"metadata\":{\"annotations\":{\"x\":\"y\"},\"labels\":{\"a\":\"b\"}}," POD "}"),
	  false },
	{ "another Pod", OBJECT("{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[]}}"), false },
	{ "no template", "{\"spec\":{}}", false },
};

Test(revision_notes, the_digest_of_a_template_is_the_same_in_its_revision)
{
	cleanup_json cJSON *root = tree_of(digest_cases[0].object);
	char wanted[REVISION_DIGEST_MAX];

	cr_assert_eq(revision_digest(root, wanted, NULL), RC_OK);
	for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++) {
		cleanup_json cJSON *object = tree_of(digest_cases[i].object);
		char digest[REVISION_DIGEST_MAX];

		cr_assert_eq(revision_digest(object, digest, NULL), RC_OK);
		cr_expect_eq(strcmp(digest, wanted) == 0, digest_cases[i].same, "%s", digest_cases[i].name);
	}
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

Test(revision_notes, each_template_has_its_latest_note)
{
	cleanup_json cJSON *root = make_root();

	expect_note(root, 1, "-", "none");
	become(root, 1, "{\"a\":1}", NULL);
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	become(root, 2, NULL, "req:2");
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	expect_note(root, 1, "{\"a\":1}", "none");
	expect_note(root, 2, "none", "req:2");
	become(root, 1, "{\"a\":3}", "req:3");
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	expect_note(root, 1, "{\"a\":3}", "req:3");
	expect_note(root, 2, "none", "req:2");
	cr_assert_eq(revision_notes_drop(root, NULL), RC_OK);
	expect_note(root, 1, "-", "none");
	expect_note(root, 2, "none", "req:2");
	become(root, 2, NULL, NULL);
	cr_assert_eq(revision_notes_drop(root, NULL), RC_OK);
	cr_expect_null(notes_text(root), "without notes, there is no annotation");
}

Test(revision_notes, the_oldest_notes_are_dropped_first)
{
	cleanup_json cJSON *root = make_root();

	for (int i = 1; i <= REVISION_NOTES_MAX; i++) {
		become(root, i, "{}", "req:1");
		cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	}
	become(root, 1, "{}", "req:2"); /* the second is the oldest now */
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	become(root, 100, "{}", "req:3");
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	expect_note(root, 1, "{}", "req:2");
	expect_note(root, 2, "-", "none");
	expect_note(root, 3, "{}", "req:1");
	expect_note(root, 100, "{}", "req:3");
}

static size_t annotations_size(const cJSON *root)
{
	const cJSON *one = NULL;
	size_t size = 0;

	cJSON_ArrayForEach (one, annotations_of(root))
		size += strlen(one->string) + strlen(one->valuestring);
	return size;
}

static char *letters(size_t count)
{
	char *text = calloc(count + 1, 1);

	cr_assert_not_null(text);
	memset(text, 'x', count);
	return text;
}

Test(revision_notes, notes_are_dropped_if_the_annotations_are_too_large)
{
	for (size_t size = 1024; size <= 256u * 1024; size += 1024) {
		cleanup_json cJSON *root = make_root();
		cleanup_free char *spec = letters(size);
		cleanup_free char *mark = letters(CHANGE_MARK_MAX);

		for (int i = 1; i <= 3; i++) {
			become(root, i, spec, "req:1");
			cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
		}
		cr_expect(notes_text(root) || size > 60u * 1024, "%zu bytes fit", size);
		become(root, 4, spec, "req:1");
		set(root, ANNOTATION_CHANGING, mark);
		cr_assert_eq(revision_notes_fit(root, NULL), RC_OK);
		cr_expect(annotations_size(root) <= ANNOTATIONS_MAX || !notes_text(root), "%zu", size);
	}
}

Test(revision_notes, old_notes_are_dropped_for_a_larger_one)
{
	cleanup_json cJSON *root = make_root();
	cleanup_free char *large = letters(180u * 1024);
	cleanup_free char *medium = letters(12u * 1024);

	for (int i = 1; i <= 4; i++) {
		become(root, i, medium, "req:1");
		cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	}
	expect_note(root, 1, medium, "req:1");
	become(root, 5, large, "req:2");
	cr_assert_eq(revision_notes_fit(root, NULL), RC_OK);
	expect_note(root, 1, "-", "none");
	expect_note(root, 4, medium, "req:1");
	cr_expect_leq(annotations_size(root) + CHANGE_MARK_MAX, ANNOTATIONS_MAX);
}

Test(revision_notes, malformed_notes_are_ignored)
{
	static const char *const texts[] = { "", "{", "{}", "7", "[7]", "[{}]", "[{\"template\":7}]" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_json cJSON *root = make_root();

		set(root, ANNOTATION_REVISIONS, texts[i]);
		expect_note(root, 1, "-", "none");
		cr_expect_eq(revision_notes_fit(root, NULL), RC_OK, "%s", texts[i]);
		become(root, 1, "{}", "req:1");
		cr_expect_eq(revision_notes_take(root, NULL), RC_OK, "%s", texts[i]);
		expect_note(root, 1, "{}", "req:1");
	}
}

Test(revision_notes, a_root_without_annotations_gets_a_note)
{
	cleanup_json cJSON *root = tree_of("{\"metadata\":{},\"spec\":{\"template\":{}}}");

	cr_assert_eq(revision_notes_fit(root, NULL), RC_OK);
	cr_assert_eq(revision_notes_take(root, NULL), RC_OK);
	cr_expect_not_null(notes_text(root));
}
