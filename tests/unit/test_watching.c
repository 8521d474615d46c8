#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "common/container/workload.h"
#include "monitor/watching.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_kube.h"

#define SERVICES "/api/v1/namespaces/ns/services"
#define PODS "/api/v1/namespaces/ns/pods"
#define NO_LIST "{}"
#define LOOKS_MAX 2000 /* of a few milliseconds each */

static void on_change(void *ctx unused, enum kube_kind kind unused, const char *instance_id unused)
{
}

static struct watching *start(void)
{
	struct watching *watching = NULL;

	cr_assert_eq(watching_create(RESOURCE_CONTAINER, NULL, "ns", INFORMER_POLL, on_change, NULL, &watching, NULL),
		     RC_OK);
	cr_expect_not(watching_is_complete(watching));
	cr_assert_eq(watching_start(watching, NULL), RC_OK);
	return watching;
}

static bool completes(struct watching *watching)
{
	for (int i = 0; i < LOOKS_MAX && !watching_is_complete(watching); i++)
		clock_sleep_ms(2);
	return watching_is_complete(watching);
}

static void expect_failure(struct watching *watching, enum kube_kind kind)
{
	for (int i = 0; i < LOOKS_MAX && !watching_kind(watching, kind).failures; i++)
		clock_sleep_ms(2);
	cr_assert_gt(watching_kind(watching, kind).failures, 0);
}

Test(watching, it_is_complete_after_all_first_lists)
{
	struct watching *watching;

	fake_kube_hold(true);
	watching = start();
	cr_expect_not(watching_is_complete(watching));
	fake_kube_hold(false);
	cr_expect(completes(watching));
	watching_destroy(watching);
}

Test(watching, a_failed_list_of_a_kind_that_affects_the_state_prevents_completion)
{
	struct watching *watching;

	fake_kube_set(PODS, NO_LIST);
	watching = start();
	expect_failure(watching, KUBE_POD);
	for (int kind = 0; kind < KUBE_KIND_COUNT; kind++)
		if (workload_child_kinds() & 1u << kind)
			for (int i = 0; i < LOOKS_MAX && !watching_kind(watching, (enum kube_kind)kind).lists; i++)
				clock_sleep_ms(2);
	cr_expect_not(watching_is_complete(watching));
	fake_kube_set(PODS, NULL);
	for (int i = 0; i < LOOKS_MAX && !watching_is_complete(watching); i++) {
		clock_sleep_ms(2);
		fake_clock_advance(100);
	}
	cr_expect(watching_is_complete(watching));
	watching_destroy(watching);
}

Test(watching, a_failed_list_of_another_kind_does_not_prevent_completion)
{
	struct watching *watching;

	fake_kube_set(SERVICES, NO_LIST);
	watching = start();
	cr_expect(completes(watching));
	cr_expect_eq(watching_kind(watching, KUBE_SERVICE).lists, 0);
	cr_expect_gt(watching_counts(watching).failures, 0);
	watching_destroy(watching);
}

Test(watching, counts_include_all_informers_and_outlive_them)
{
	int64_t kinds = 0;
	struct watching *watching = start();

	for (int kind = workload_root_from(0); kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1))
		kinds++;
	cr_assert(completes(watching));
	cr_expect_gt(kinds, 1);
	cr_expect_eq(watching_root_lists(watching), kinds);
	cr_expect_geq(watching_counts(watching).lists, kinds);
	watching_stop(watching);
	cr_expect_geq(watching_counts(watching).lists, kinds);
	cr_expect_eq(watching_root_lists(watching), 0);
	watching_destroy(watching);
}
