#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/bus/nkey.h"

/* The private key 00 01 02 ... 1f. */
#define SEED "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
#define PUBLIC "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"

static const struct {
	const char *text;
	bool good;
} cases[] = {
	{ SEED, true },
	{ SEED "\n", true },
	{ "\n  " SEED "\r\n", true },
	{ "-----BEGIN USER NKEY SEED-----\n" SEED "\n------END USER NKEY SEED------\n", true },
	{ "", false },
	{ "SU", false },
	{ PUBLIC, false },
	{ SEED "A", false },
	/* A missing character, a wrong one, an invalid one, the seed of an account. */
	{ "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776", false },
	{ "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EBRCIJRIFIWC4MBSGQ3DQOR4H776Y", false },
	{ "SUAAAAICAMCAKBQHBAEQUCYMBUHA6E1RCIJRIFIWC4MBSGQ3DQOR4H776Y", false },
	{ "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYMHI", false },
};

Test(nkey, the_seed_is_found_and_its_public_key_derived)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nkey key = { .seed = "untouched", .public = "untouched" };
		struct error err = { .rc = RC_OK };
		enum rc rc = nkey_read(cases[i].text, &key, &err);

		cr_expect_eq(rc, cases[i].good ? RC_OK : RC_INVALID_ARGUMENT, "case %zu: %s", i, err.text);
		cr_expect_str_eq(key.public, cases[i].good ? PUBLIC : "untouched", "case %zu", i);
		cr_expect_str_eq(key.seed, cases[i].good ? SEED : "untouched", "case %zu", i);
		cr_expect(cases[i].good || !strstr(err.text, "AAAQ"), "case %zu shows a secret: %s", i, err.text);
	}
}
