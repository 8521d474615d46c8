#include <criterion/criterion.h>
#include <string.h>

#include "common/container/labels.h"
#include "kube-worker/list/list_ids.h"

#define ID LABEL_INSTANCE_ID

static const struct question_case {
	const char *ids[4];
	const char *by_id; /* NULL: no query */
	const char *without_id;
} cases[] = {
	{ { NULL }, NULL, NULL },
	{ { "a" }, "base," ID " in (a)", NULL },
	{ { "a", "b", "a" }, "base," ID " in (a,b,a)", NULL },
	{ { "" }, "base," ID " in (,)", "base,!" ID },
	{ { "a", "", "b" }, "base," ID " in (,a,b)", "base,!" ID },
};

Test(list_ids, selectors_of_the_queries)
{
	struct buf base cleanup_buf = buf_make(16);
	struct buf selector cleanup_buf = buf_make(LIST_IDS_SELECTOR_MAX);
	struct list_ids ids cleanup_list_ids = list_ids_make();

	buf_add_str(&base, "base");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *wanted[LIST_IDS_QUESTIONS] = { cases[i].by_id, cases[i].without_id };

		list_ids_reset(&ids);
		for (const char *const *id = cases[i].ids; *id; id++)
			list_ids_add(&ids, *id);
		for (int number = 0; number < LIST_IDS_QUESTIONS; number++) {
			cr_expect_eq(list_ids_question(&ids, number, &base, &selector), wanted[number] != NULL,
				     "%zu.%d", i, number);
			if (wanted[number])
				cr_expect_str_eq(selector.data, wanted[number], "%zu.%d", i, number);
		}
	}
}

Test(list_ids, the_number_of_ids_is_limited)
{
	struct list_ids ids cleanup_list_ids = list_ids_make();
	char id[64];

	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	for (int i = 0; list_ids_have_room(&ids, id); i++) {
		cr_assert_lt(i, LIST_IDS_MAX);
		list_ids_add(&ids, id);
	}
	cr_expect_eq(ids.text.failed, RC_OK);
	cr_expect_leq(ids.text.len, LIST_IDS_MAX);
	cr_expect_gt(ids.text.len, LIST_IDS_MAX - 2 * sizeof(id));
	cr_expect(list_ids_have_room(&ids, ""));
}
