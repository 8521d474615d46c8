/* Subjects and names of the protocol. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/protocol.h"

Test(protocol, providers_never_share_a_subject)
{
	static const char *const names[] = {
		"a", "a.b", "a b", "a*", ">", "*", "a_b", "a_2Eb", "A", "\xC3\xA9", "a\t"
	};
	char subjects[ARRAY_LEN(names)][PROTOCOL_SUBJECT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		protocol_operation_subject(names[i], "get", subjects[i]);
		cr_expect_null(strpbrk(subjects[i], " *>\t\r\n"), "%s", subjects[i]);
		cr_expect_neq(strncmp(subjects[i], "dcm.", 4), 0);
		cr_expect_str_eq(protocol_subject_operation(subjects[i]), "get");
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(subjects[i], subjects[k]);
	}
}

Test(protocol, the_longest_name_fits)
{
	char name[129];
	char subject[PROTOCOL_SUBJECT_MAX];

	memset(name, '.', 128);
	name[128] = '\0';
	protocol_operation_subject(name, "create", subject);
	cr_expect_str_eq(protocol_subject_operation(subject), "create");
	cr_expect_gt(strlen(subject), 128 * 3);
}

Test(protocol, operation_names_round_trip)
{
	for (int op = 0; op < OPERATION_COUNT; op++)
		cr_expect_eq(operation_from_name(operation_name((enum operation)op)), (enum operation)op);
	cr_expect_eq(operation_from_name("frob"), OPERATION_COUNT);
}
