#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/container/service_name.h"

#define D61 "7aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static const struct {
	const char *id;
	const char *service; /* NULL: only format and uniqueness are checked */
} service_cases[] = {
	{ "web", "web" },
	{ "stack1-db", "stack1-db" },
	{ "7abc", "s-7abc" },
	{ "s-7abc", "s-s-7abc" },
	{ "s-s-7abc", "s-s-s-7abc" },
	{ "9", "s-9" },
	{ "s-9", "s-s-9" },
	{ "s-a", "s-a" },
	{ "s7", "s7" },
	{ "s-", "s-" }, /* not a valid id, but accepted here */
	{ "0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6", "s-0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6" },
	{ D61, NULL },
	{ D61 "hi", NULL },
	{ "s-" D61, NULL },
	{ "a" D61 "h", "a" D61 "h" },
};

Test(service_name, names_are_valid_and_unique)
{
	char names[ARRAY_LEN(service_cases)][SERVICE_NAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(service_cases); i++) {
		const char *id = service_cases[i].id;

		cr_assert_eq(service_name_derive(id, names[i], NULL), RC_OK);
		if (service_cases[i].service)
			cr_expect_str_eq(names[i], service_cases[i].service, "%s", id);
		cr_expect_leq(strlen(names[i]), 63, "%s", id);
		cr_expect(names[i][0] >= 'a' && names[i][0] <= 'z', "%s -> %s", id, names[i]);
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(names[i], names[k], "%s and %s", id, service_cases[k].id);
	}
}

Test(service_name, the_hashed_name_of_a_long_id_does_not_collide_with_an_id)
{
	char first[SERVICE_NAME_MAX];
	char second[SERVICE_NAME_MAX];

	cr_assert_eq(service_name_derive(D61, first, NULL), RC_OK);
	cr_assert_eq(service_name_derive(first, second, NULL), RC_OK); /* an id equal to the hashed name */
	cr_expect_eq(strlen(first), 63);
	cr_expect_str_neq(first, second);
}

Test(service_name, ordinary_and_headless_names_do_not_collide)
{
	for (size_t i = 0; i < ARRAY_LEN(service_cases); i++) {
		char ordinary[SERVICE_NAME_MAX];
		char headless[SERVICE_NAME_MAX];
		char again[SERVICE_NAME_MAX];

		cr_assert_eq(service_name_derive(service_cases[i].id, ordinary, NULL), RC_OK);
		cr_assert_eq(service_name_derive_headless(service_cases[i].id, headless, NULL), RC_OK);
		cr_assert_eq(service_name_derive(headless, again, NULL), RC_OK); /* it is a valid id itself */
		cr_expect(service_name_is_headless(headless), "%s", headless);
		cr_expect_not(service_name_is_headless(ordinary), "%s", ordinary);
		cr_expect_not(service_name_is_headless(again), "%s", again);
		cr_expect_eq(strlen(headless), 63);
	}
}
