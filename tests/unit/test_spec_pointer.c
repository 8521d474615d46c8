#include <criterion/criterion.h>

#include "common/base/buf.h"
#include "common/container/spec_pointer.h"

Test(spec_pointer, kubernetes_fields_are_mapped_to_the_request)
{
	static const char *const pairs[][2] = {
		{ "spec.template.spec.containers[0].env[12].name", "/spec/process/env/12/name" },
		{ "spec.template.spec.containers[0].ports[0].containerPort", "/spec/network/ports/0/container_port" },
		{ "spec.template.spec.containers[0].resources.requests", "/spec/resources" },
		{ "spec.template.spec.containers[0].resources.limits[memory]", "/spec/resources/memory/max" },
		{ "spec.template.spec.containers[0].image", "/spec/image/reference" },
		{ "metadata.labels", "/spec/metadata/labels" },
		{ "metadata.name", "/query/id" },
		{ "spec.ports[0].port", "/spec/network/ports" },
		{ "status.somethingElse", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct buf out cleanup_buf = buf_make(200);

		spec_pointer_add(pairs[i][0], &out);
		cr_expect_str_eq(out.data, pairs[i][1], "%s", pairs[i][0]);
	}
}
