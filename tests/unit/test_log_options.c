#include <criterion/criterion.h>
#include <string.h>

#include "common/base/strutil.h"
#include "kube-worker/streams/log_options.h"

Test(log_options, paths_have_the_options_of_the_request)
{
	static const struct {
		const char *request;
		struct log_call call;
		const char *query;
	} cases[] = {
		{ "{}", { .cut = true }, "&tailLines=1000" },
		{ "{\"follow\":true}", { .cut = true }, "&follow=true" },
		{ "{\"follow\":true,\"tail_lines\":3}",
		  { .since_ns = 1500000000 },
		  "&follow=true&sinceTime=1970-01-01T00%3A00%3A01Z" },
		{ "{\"follow\":true,\"tail_lines\":3}",
		  { .previous = true, .since_ns = 1500000000 },
		  "&previous=true&sinceTime=1970-01-01T00%3A00%3A01Z" },
		{ "{\"since_seconds\":9,\"tail_lines\":0}", { .cut = true }, "&sinceSeconds=9&tailLines=0" },
		{ "{\"since_seconds\":9,\"tail_lines\":0}", { .cut = false }, "" },
		{ "{\"tail_lines\":3}",
		  { .cut = true, .since_ns = 1500000000 },
		  "&sinceTime=1970-01-01T00%3A00%3A01Z&tailLines=3" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf path cleanup_buf = buf_make(4096);
		cleanup_json cJSON *request = NULL;
		struct log_options options;
		struct log_call call = cases[i].call;

		call.namespace = "n";
		call.pod = "p";
		call.container = "c";
		cr_assert_eq(json_parse(cases[i].request, strlen(cases[i].request), &request, NULL), RC_OK);
		cr_assert_eq(log_options_read(request, 1, &options, NULL), RC_OK);
		log_options_path(&options, &call, &path);
		cr_expect(str_has_prefix(path.data, "/api/v1/namespaces/n/pods/p/log?container=c&timestamps=true"));
		cr_expect_str_eq(path.data + strlen("/api/v1/namespaces/n/pods/p/log?container=c&timestamps=true"),
				 cases[i].query);
	}
}
