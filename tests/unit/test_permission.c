#include <criterion/criterion.h>

#include "kube-worker/operation/permission.h"

Test(permission, only_an_inbox_of_an_api_svc_is_a_valid_caller)
{
	cr_expect(permission_is_caller("_INBOX.api-svc.abc.1-0-1"));
	cr_expect_not(permission_is_caller("_INBOX.api-svc."));
	cr_expect_not(permission_is_caller("_INBOX.api-svc..a"));
	cr_expect_not(permission_is_caller("_INBOX.api-svc.a b"));
	cr_expect_not(permission_is_caller("_INBOX.other.a"));
	cr_expect_not(permission_is_caller("dcm.container"));
	cr_expect_not(permission_is_caller(""));
}

Test(permission, attempts_of_one_call_are_recognised)
{
	cr_expect(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-0-1"));
	cr_expect(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-0-2b"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", "_INBOX.a.1-1-1"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", "_INBOX.b.1-0-1"));
	cr_expect_not(permission_same_call("_INBOX.a.1-0-1", ""));
	cr_expect_not(permission_same_call("nonsense", "nonsense"));
}
