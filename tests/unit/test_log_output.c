#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/streams/log_output.h"

static struct log_line make_line(const char *text, bool begins, bool ends)
{
	return (struct log_line){
		.time = "T", .time_len = 1, .text = text, .len = strlen(text), .begins = begins, .ends = ends
	};
}

Test(log_output, lines_of_two_sources_are_not_mixed)
{
	struct log_output o = log_output_make(false, false, true, INT64_MAX);
	struct log_name a = { "a", "x" };
	struct log_name b = { "b", "y" };
	struct log_line begin = make_line("be", true, false);
	struct log_line end = make_line("gin", false, true);
	struct log_line whole = make_line("whole", true, true);

	log_output_line(&o, &a, &a, &begin, NULL, 0);
	cr_expect(log_output_takes(&o, &a) && !log_output_takes(&o, &b));
	log_output_line(&o, &a, &a, &end, NULL, 0);
	cr_expect(log_output_takes(&o, &b));
	log_output_line(&o, &a, &a, &begin, NULL, 0);
	log_output_break(&o, &a);
	cr_expect(log_output_takes(&o, &b));
	log_output_line(&o, &b, &b, &whole, NULL, 0);
	cr_expect_str_eq(o.bytes.data, "[a/x] begin\n[a/x] be\n[b/y] whole\n");
	log_output_clear(&o);
}

Test(log_output, an_event_id_round_trips)
{
	struct log_output o = log_output_make(true, false, false, INT64_MAX);
	struct log_name name = { "a", "x" };
	struct log_line line = make_line("\xff", true, true);
	struct log_mark marks[LOG_PLACES_MAX] = { { 7, { 123456789012345, 8 } }, { 0xffffffff, { INT64_MAX, 0 } } };
	struct log_mark read[LOG_PLACES_MAX];
	char id[LOG_ID_MAX];

	log_output_line(&o, &name, &name, &line, marks, 2);
	cr_assert_eq(sscanf(o.bytes.data, "id: %100s", id), 1);
	cr_assert_eq(log_marks_read(id, read), 2, "%s", id);
	cr_expect_eq(read[0].key, 7);
	cr_expect_eq(read[0].place.ns, 123456789012345);
	cr_expect_eq(read[0].place.hash, 8);
	cr_expect_eq(read[1].key, 0xffffffff);
	cr_expect_eq(read[1].place.ns, INT64_MAX);
	cr_expect_not_null(strstr(o.bytes.data, "\"line\":\"\xef\xbf\xbd\""), "%s", o.bytes.data);
	log_output_clear(&o);
}

Test(log_output, invalid_event_ids_are_rejected)
{
	static const char *const bad[] = { "",
					   "x",
					   "00000007-0000000000000001",
					   "00000007-0000000000000000-00000001",
					   "00000007-ffffffffffffffff-00000001",
					   "00000007-0000000000000001-00000001.",
					   "00000007-0000000000000001-00000001x",
					   "+0000007-0000000000000001-00000001" };
	struct log_mark marks[LOG_PLACES_MAX];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(log_marks_read(bad[i], marks), -1, "%s", bad[i]);
}

Test(log_output, the_limit_truncates_within_a_line)
{
	struct log_output o = log_output_make(false, false, false, 7);
	struct log_name name = { "a", "x" };
	struct log_line line = make_line("1234", true, true);

	for (int i = 0; i < 3; i++)
		log_output_line(&o, &name, &name, &line, NULL, 0);
	cr_expect_str_eq(o.bytes.data, "1234\n12");
	cr_expect_eq(o.left, 0);
	log_output_clear(&o);
}

Test(log_output, the_limit_of_events_truncates_at_a_character_boundary)
{
	struct log_output o = log_output_make(true, false, false, 7);
	struct log_name name = { "a", "x" };
	struct log_line line = make_line("\u20ac\u20ac\u20ac", true, true);

	log_output_line(&o, &name, &name, &line, NULL, 0);
	cr_expect_not_null(strstr(o.bytes.data, "\"line\":\"\u20ac\u20ac\""), "%s", o.bytes.data);
	cr_expect_leq(o.left, 0);
	log_output_clear(&o);
}
