#include <criterion/criterion.h>

#include "common/kube/kube_uid.h"

Test(kube_uid, uids_round_trip)
{
	struct kube_uid uid = kube_uid_parse("0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	char text[KUBE_UID_TEXT_MAX];

	kube_uid_format(&uid, text);
	cr_expect_str_eq(text, "0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6");
	cr_expect(kube_uid_is_set(&uid));
	uid = kube_uid_parse("no uid");
	cr_expect_not(kube_uid_is_set(&uid));
}
