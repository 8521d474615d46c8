#include <criterion/criterion.h>
#include <string.h>

#include "common/kube/kube_path.h"

Test(kube_path, all_parts_are_encoded_and_not_truncated)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	char name[254];

	memset(name, 'n', 253);
	name[253] = '\0';
	kube_path_add(&path, KUBE_DEPLOYMENT, "a/b", name);
	kube_path_add_query(&path, "labelSelector", "a=b,c");
	kube_path_add_query(&path, "limit", "5");
	cr_expect(strncmp(path.data, "/apis/apps/v1/namespaces/a%2Fb/deployments/nnn", 44) == 0, "%s", path.data);
	cr_expect_not_null(strstr(path.data, name));
	cr_expect_not_null(strstr(path.data, "?labelSelector=a%3Db%2Cc&limit=5"));
}
