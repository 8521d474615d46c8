#include <criterion/criterion.h>
#include <string.h>

#include "registrar/api_watch.h"

static const struct {
	const char *json;
	bool ours;
} pings[] = {
	{ "{\"name\":\"api-svc\",\"metadata\":{\"provider\":\"p\"}}", true },
	{ "{\"name\":\"api-svc\",\"metadata\":{\"provider\":\"P\"}}", false },
	{ "{\"name\":\"api-svc\",\"metadata\":{\"provider\":1}}", false },
	{ "{\"name\":\"api-svc\",\"metadata\":{}}", false },
	{ "{\"name\":\"api-svc\"}", false },
	{ "{\"name\":\"kube-worker\",\"metadata\":{\"provider\":\"p\"}}", false },
	{ "[]", false },
	{ "{", false },
	{ "", false },
};

Test(api_watch, only_an_api_svc_of_the_same_provider_matches)
{
	for (size_t i = 0; i < ARRAY_LEN(pings); i++)
		cr_expect_eq(api_watch_is_ours(pings[i].json, strlen(pings[i].json), "p"), pings[i].ours, "%s",
			     pings[i].json);
	cr_expect(!api_watch_is_ours(NULL, 0, "p"));
}
