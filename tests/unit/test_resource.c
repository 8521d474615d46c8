/* resource: external names of each type. */
#include <criterion/criterion.h>

#include "common/container/labels.h"
#include "common/container/record.h"
#include "common/resource.h"

/* As written by v0.1 and read by DCM: another value would lose containers, records, page tokens or events. */
Test(resource, names_of_the_container_type_are_stable)
{
	const struct resource *row = resource_row(RESOURCE_CONTAINER);
	char key[RECORD_KEY_MAX];

	cr_expect_str_eq(row->name, "container");
	cr_expect_str_eq(row->path, "/api/v1alpha1/containers");
	cr_expect_str_eq(row->event_subject, "dcm.container");
	cr_expect_str_eq(row->event_type, "dcm.status.container");
	cr_expect_str_eq(row->page_scope, "");
	cr_expect_str_eq(labels_selector(RESOURCE_CONTAINER),
			 "dcm.project/managed-by=dcm,dcm.project/dcm-service-type=container");
	record_key(RESOURCE_CONTAINER, "web", key);
	cr_expect_str_eq(key, "state.web");
	record_key(RESOURCE_CONTAINER, NULL, key);
	cr_expect_str_eq(key, "state.*");
}
