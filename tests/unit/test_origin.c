#include <criterion/criterion.h>

#include "api-svc/origin.h"
#include "common/base/strutil.h"

static const struct {
	const char *origin;
	const char *host;
	bool proven;
	const char *listed;
	enum rc rc;
} cases[] = {
	/* Without Origin: not a browser. */
	{ NULL, "here:1", false, "", RC_OK },
	{ NULL, NULL, false, "", RC_OK },
	/* The console, by address. */
	{ "http://127.0.0.1:8080", "127.0.0.1:8080", false, "", RC_OK },
	{ "http://10.0.0.7", "10.0.0.7", false, "", RC_OK },
	{ "http://[::1]:8080", "[::1]:8080", false, "", RC_OK },
	{ "http://LocalHost:8080", "localhost:8080", false, "", RC_OK },
	/* By name, which must be proven. */
	{ "http://here.example:1", "here.example:1", true, "", RC_OK },
	{ "https://HERE.example", "here.example", true, "", RC_OK },
	{ "http://here.example:1", "here.example:1", false, "", RC_PERMISSION_DENIED },
	{ "http://evil.example", "evil.example", false, "http://good.example", RC_PERMISSION_DENIED },
	{ "http://1.2.3.4.evil.example", "1.2.3.4.evil.example", false, "", RC_PERMISSION_DENIED },
	{ "http://localhost.evil.example", "localhost.evil.example", false, "", RC_PERMISSION_DENIED },
	/* Listed. */
	{ "http://here.example", "here.example", false, "http://here.example", RC_OK },
	{ "https://here.example", "here.example", false, "http://here.example", RC_PERMISSION_DENIED },
	{ "https://there.example:4", "here", false, "http://a.example, https://There.example:4", RC_OK },
	{ "https://there.example:44", "here", false, "https://there.example:4", RC_PERMISSION_DENIED },
	{ "https://there.example", "here", true, "https://there.example:4", RC_PERMISSION_DENIED },
	/* Other pages. */
	{ "http://here:2", "here:1", true, "", RC_PERMISSION_DENIED },
	{ "http://127.0.0.1:8081", "127.0.0.1:8080", true, "", RC_PERMISSION_DENIED },
	{ "http://there.example", "127.0.0.1:8080", true, "", RC_PERMISSION_DENIED },
	{ "http://127.0.0.1:8080", NULL, true, "", RC_PERMISSION_DENIED },
	{ "null", "null", true, "", RC_PERMISSION_DENIED },
	{ "", "127.0.0.1", true, "", RC_PERMISSION_DENIED },
	{ "", "", true, "", RC_PERMISSION_DENIED },
};

Test(origin, requests_of_other_origins_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct origin_request r = { cases[i].origin, cases[i].host, cases[i].proven, cases[i].listed };
		struct error err = { .rc = RC_OK };

		cr_expect_eq(origin_check(&r, &err), cases[i].rc, "%zu: %s", i, err.text);
	}
}

Test(origin, lists_of_origins_are_validated)
{
	static const struct {
		const char *text;
		bool good;
	} lists[] = {
		{ "", true },
		{ "https://a.example", true },
		{ "http://a.example:80, https://[::1]:8", true },
		{ "a.example", false },
		{ "https://", false },
		{ "https://a.example/", false },
		{ "https://*.example", false },
		{ "https://a.example;https://b.example", false },
		{ "null", false },
		{ "https://a.example,ftp://b.example", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		cr_expect_eq(origin_is_list(lists[i].text), lists[i].good, "%s", lists[i].text);
}
