#include <criterion/criterion.h>
#include <string.h>

#include "common/kube/kube_metrics.h"
#include "common/services/metrics_text.h"

#define N "/namespaces/a"

Test(kube_metrics, calls_are_labelled_by_method_and_path)
{
	static const struct {
		const char *method;
		const char *path;
		const char *labels;
	} cases[] = {
		{ "GET", "/apis/apps/v1" N "/deployments?limit=5", "verb=\"list\",kind=\"deployments\"" },
		{ "GET", "/apis/apps/v1" N "/deployments?a=b&watch=true&c=d", "verb=\"watch\",kind=\"deployments\"" },
		{ "GET", "/apis/apps/v1" N "/deployments?labelSelector=xwatch=true",
		  "verb=\"list\",kind=\"deployments\"" },
		{ "GET", "/apis/apps/v1" N "/deployments/watch=true", "verb=\"get\",kind=\"deployments\"" },
		{ "POST", "/apis/apps/v1" N "/deployments", "verb=\"create\",kind=\"deployments\"" },
		{ "PUT", "/apis/apps/v1" N "/deployments/x", "verb=\"update\",kind=\"deployments\"" },
		{ "PATCH", "/apis/apps/v1" N "/deployments/x/scale", "verb=\"patch\",kind=\"deployments\"" },
		{ "DELETE", "/api/v1" N "/services/x?y", "verb=\"delete\",kind=\"services\"" },
		{ "GET", "/api/v1" N "/pods/x", "verb=\"get\",kind=\"pods\"" },
		{ "GET", "/api/v1" N "/pods/x/log?follow=true", "verb=\"log\",kind=\"pods\"" },
		{ "GET", "/api/v1" N "/pods/x/exec?command=ls&stdout=true", "verb=\"exec\",kind=\"pods\"" },
		{ "GET", "/apis/metrics.k8s.io/v1beta1" N "/pods", "verb=\"list\",kind=\"podmetrics\"" },
		{ "GET", "/api/v1" N "/events", "verb=\"list\",kind=\"events\"" },
		{ "GET", "/version", "verb=\"get\",kind=\"other\"" },
		{ "GET", "/api/v1/pods", "verb=\"get\",kind=\"other\"" },
		{ "GET", "/api/v1" N "/podsx", "verb=\"get\",kind=\"other\"" },
		{ "GET", "", "verb=\"get\",kind=\"other\"" },
	};
	const struct metric *const *const lists[] = { kube_metrics, NULL };
	const struct metrics metrics = { .lists = lists };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = buf_make(1024 * 1024);
		struct kube_metrics_call call = kube_metrics_begin(cases[i].method, cases[i].path);
		char line[128];

		/* A status that is used nowhere else. */
		kube_metrics_end(&call, 505);
		metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
		snprintf(line, sizeof(line), "dcm_sp_kubernetes_requests_total{%s,code=\"505\"} ", cases[i].labels);
		cr_expect(strstr(out.data, line), "%s %s: no %s in %s", cases[i].method, cases[i].path, line, out.data);
		snprintf(line, sizeof(line), "dcm_sp_kubernetes_request_duration_seconds_count{%s} ", cases[i].labels);
		cr_expect_eq(!strstr(out.data, line), strstr(line, "watch") || strstr(line, "\"log\""), "%s", line);
		buf_clear(&out);
	}
}

Test(kube_metrics, a_cancelled_call_has_its_status_or_cancelled)
{
	const struct metric *const *const lists[] = { kube_metrics, NULL };
	const struct metrics metrics = { .lists = lists };
	const struct kube_metrics_call call = kube_metrics_begin("GET", "/api/v1" N "/pods/x/log?follow=true");
	static const char *const lines[] = {
		"dcm_sp_kubernetes_requests_total{verb=\"log\",kind=\"pods\",code=\"200\"} 1\n",
		"dcm_sp_kubernetes_requests_total{verb=\"log\",kind=\"pods\",code=\"cancelled\"} 2\n",
	};
	struct buf out = buf_make(1024 * 1024);

	kube_metrics_cancel(&call, 200);
	kube_metrics_cancel(&call, 0);
	kube_metrics_cancel(&call, 0);
	metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(strstr(out.data, lines[i]), "no %s in %s", lines[i], out.data);
	buf_clear(&out);
}

Test(kube_metrics, the_cache_age_is_shown_while_an_informer_exists)
{
	const struct metric *const *const lists[] = { kube_metrics, NULL };
	const struct metrics metrics = { .lists = lists };
	static const char line[] = "\ndcm_sp_kubernetes_cache_age_seconds{kind=\"pods\"} ";
	struct buf out = buf_make(1024 * 1024);

	kube_metrics_informer(KUBE_POD, +1);
	kube_metrics_informer(KUBE_POD, +1);
	kube_metrics_fresh(KUBE_POD);
	kube_metrics_informer(KUBE_POD, -1);
	metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
	cr_expect(strstr(out.data, line), "%s", out.data);
	buf_reset(&out);
	kube_metrics_informer(KUBE_POD, -1);
	metrics_text_write(&metrics, METRICS_PROMETHEUS, &out);
	cr_expect(!strstr(out.data, line), "%s", out.data);
	buf_clear(&out);
}
