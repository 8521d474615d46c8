#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/http_proxy.h"

static const struct {
	const char *given;
	const char *formatted; /* NULL: none */
} format_rows[] = {
	{ "proxy:3128", "http://proxy:3128" },
	{ "127.0.0.1:8080", "http://127.0.0.1:8080" },
	{ "proxy.corp", "http://proxy.corp:80" },
	{ "localhost", "http://localhost:80" },
	{ "http://proxy", "http://proxy:80" },
	{ "http://proxy:", "http://proxy:80" },
	{ "http://proxy/", "http://proxy:80" },
	{ "HTTP://proxy:1/a?b#c", "http://proxy:1" },
	{ "https://proxy", "https://proxy:443" },
	{ "socks5://proxy", "socks5h://proxy:1080" },
	{ "Socks5h://proxy:9", "socks5h://proxy:9" },
	{ "foo://proxy:9", "http://proxy:9" },
	{ "http://u:p%40w@proxy:3128", "http://u:p%40w@proxy:3128" },
	{ "u:p@proxy", "http://u:p@proxy:80" },
	{ "http://[::1]", "http://[::1]:80" },
	{ "http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128" },
	{ "", NULL },
	{ "http://", NULL },
	{ "http://:3128", NULL },
	{ "http://u@", NULL },
	{ " http://proxy", NULL },
	{ "http://pro xy", NULL },
	{ "http://proxy\r\nX: y", NULL },
};

Test(http_proxy, proxy_urls_are_normalized_like_curl_does)
{
	for (size_t i = 0; i < ARRAY_LEN(format_rows); i++) {
		struct buf out cleanup_buf = buf_make(HTTP_PROXY_MAX);
		bool usable = http_proxy_format(format_rows[i].given, &out);

		cr_expect_eq(usable, format_rows[i].formatted != NULL, "'%s'", format_rows[i].given);
		cr_expect_str_eq(out.data, usable ? format_rows[i].formatted : "", "'%s'", format_rows[i].given);
	}
}

static const struct {
	const char *no_proxy;
	const char *url;
	bool direct;
} choose_rows[] = {
	/* without NO_PROXY */
	{ NULL, "https://example.com", false },
	{ "", "https://example.com", false },
	{ NULL, "https://localhost", true },
	{ NULL, "https://localhost:6443/a", true },
	{ NULL, "https://localhost.net", false },
	{ NULL, "https://local.localhost", false },
	{ NULL, "https://127.0.0.1:6443", true },
	{ NULL, "https://127.255.0.9", true },
	{ NULL, "https://128.0.0.1", false },
	{ NULL, "https://[::1]:6443", true },
	{ NULL, "https://[::2]:6443", false },
	{ NULL, "https://[::ffff:127.0.0.1]", true },
	{ NULL, "https://u:p@127.0.0.1", true },
	{ NULL, "https://127.0.0.1.example.com", false },
	/* everything */
	{ "*", "https://example.com", true },
	{ "a, * ,b", "https://10.1.2.3", true },
	/* names */
	{ "example.com", "https://example.com", true },
	{ "Example.COM", "https://example.com", true },
	{ "example.com", "https://EXAMPLE.com", true },
	{ "example.com", "https://foo.example.com", true },
	{ "ample.com", "https://example.com", false },
	{ ".example.com", "https://example.com", false },
	{ ".example.com", "https://www.example.com", true },
	{ ".example.com", "https://a.b.example.com:6443/path", true },
	{ "*.example.com", "https://example.com", false },
	{ "*.example.com", "https://nested.example.com", true },
	{ "*.example.com", "https://anexample.com", false },
	{ "*example.com", "https://nested.example.com", false },
	{ "example.com.", "https://example.com", false },
	{ "example.com", "https://example.com.evil", false },
	{ "com", "https://example.com", true },
	{ "svc,.svc", "https://kubernetes.default.svc", true },
	{ " a.example , b.example\t", "https://b.example", true },
	{ "a.example b.example", "https://b.example", false },
	/* ports */
	{ "example.com:443", "https://example.com", true },
	{ "example.com:443", "https://example.com:6443", false },
	{ "example.com:6443", "https://www.example.com:6443", true },
	{ ".example.com:6443", "https://www.example.com:6443", true },
	{ ".example.com:6443", "https://www.example.com", false },
	{ "example.com:", "https://example.com:1", true },
	{ ":443", "https://example.com", false },
	/* addresses */
	{ "192.168.1.1", "https://192.168.1.1:6443", true },
	{ "192.168.1.1", "https://192.168.1.10", false },
	{ "192.168.1.2:81", "https://192.168.1.2:82", false },
	{ "192.168.1.2:81", "https://192.168.1.2:81", true },
	{ "192.168.1", "https://192.168.1.1", false },
	{ "2001:db8::52:0:1", "https://[2001:db8::52:0:1]", true },
	{ "2001:DB8:0::52:0:1", "https://[2001:db8::52:0:1]:6443", true },
	{ "2001:db8::52:0:1", "https://[2001:db8::52:0:2]", false },
	{ "[2001:db8::52:0:2]:443", "https://[2001:db8::52:0:2]", true },
	{ "[2001:db8::52:0:2]:443", "https://[2001:db8::52:0:2]:6443", false },
	{ "fe80::1", "https://[fe80::1%25eth0]", true },
	{ "::ffff:10.1.2.3", "https://10.1.2.3", true },
	/* networks */
	{ "10.0.0.0/30", "https://10.0.0.2", true },
	{ "10.0.0.0/30", "https://10.0.0.4", false },
	{ "10.96.0.0/12,10.244.0.0/16", "https://10.96.0.1", true },
	{ "10.96.0.0/12", "https://10.112.0.1", false },
	{ "0.0.0.0/0", "https://203.0.113.1", true },
	{ "0.0.0.0/0", "https://example.com", false },
	{ "0.0.0.0/0", "https://[2001:db8::1]", false },
	{ "::/0", "https://[2001:db8::1]", true },
	{ "::/0", "https://203.0.113.1", false },
	{ "2002:db8:a::45/64", "https://[2002:db8:a::123]", true },
	{ "2002:db8:a::45/64", "https://[2002:db8:b::123]", false },
	{ "10.0.0.7/32", "https://10.0.0.7", true },
	{ "10.0.0.7/32", "https://10.0.0.6", false },
	/* invalid entries */
	{ ",, ,", "https://example.com", false },
	{ "10.0.0.0/33", "https://10.0.0.1", false },
	{ "10.0.0.0/-1", "https://10.0.0.1", false },
	{ "10.0.0.0/", "https://10.0.0.1", false },
	{ "/8", "https://10.0.0.1", false },
	{ "http://example.com", "https://example.com", false },
	{ ".", "https://example.com", false },
	{ "*.", "https://example.com", false },
	{ "[]:443", "https://example.com", false },
	{ "[", "https://example.com", false },
	{ ":", "https://example.com", false },
};

Test(http_proxy, no_proxy_selects_direct_connections)
{
	for (size_t i = 0; i < ARRAY_LEN(choose_rows); i++) {
		const struct http_proxy_settings settings = { .https = "proxy:3128",
							      .no_proxy = choose_rows[i].no_proxy };
		struct buf out cleanup_buf = buf_make(HTTP_PROXY_MAX);

		http_proxy_choose(&settings, choose_rows[i].url, &out);
		cr_expect_str_eq(out.data, choose_rows[i].direct ? "" : "http://proxy:3128", "NO_PROXY=%s %s",
				 choose_rows[i].no_proxy ? choose_rows[i].no_proxy : "(not set)", choose_rows[i].url);
	}
}

Test(http_proxy, a_long_entry_matches_nothing)
{
	struct buf text cleanup_buf = buf_make(100000);
	struct http_proxy_settings settings = { .https = "proxy:3128" };
	struct buf out cleanup_buf = buf_make(HTTP_PROXY_MAX);

	for (int i = 0; i < 10000; i++)
		buf_add_str(&text, "example.");
	settings.no_proxy = text.data;
	http_proxy_choose(&settings, "https://example.com", &out);
	cr_expect_str_eq(out.data, "http://proxy:3128");
}

/* Environment variables, and the resulting proxies for http and https. */
static const struct {
	const char *variables[3][2];
	const char *http;
	const char *https;
} environment_rows[] = {
	{ { { NULL } }, "", "" },
	{ { { "HTTP_PROXY", "a" } }, "http://a:80", "" },
	{ { { "HTTPS_PROXY", "a" } }, "", "http://a:80" },
	{ { { "http_proxy", "a" }, { "https_proxy", "b" } }, "http://a:80", "http://b:80" },
	{ { { "HTTP_PROXY", "a" }, { "http_proxy", "b" } }, "http://a:80", "" },
	{ { { "HTTPS_PROXY", "" }, { "https_proxy", "b" } }, "", "http://b:80" },
	{ { { "ALL_PROXY", "a" }, { "all_proxy", "a" } }, "", "" },
	{ { { "HTTPS_PROXY", "a" }, { "NO_PROXY", "h" } }, "", "" },
	{ { { "HTTPS_PROXY", "a" }, { "no_proxy", "h" } }, "", "" },
	{ { { "HTTPS_PROXY", "a" }, { "NO_PROXY", "x" }, { "no_proxy", "h" } }, "", "http://a:80" },
	{ { { "HTTPS_PROXY", "http://" } }, "", "" },
};

Test(http_proxy, variables_in_upper_case_take_precedence)
{
	static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
					     "http_proxy", "https_proxy", "no_proxy" };

	for (size_t i = 0; i < ARRAY_LEN(environment_rows); i++) {
		struct buf http cleanup_buf = buf_make(HTTP_PROXY_MAX);
		struct buf https cleanup_buf = buf_make(HTTP_PROXY_MAX);
		struct http_proxy_settings settings;

		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			unsetenv(names[n]);
		for (size_t v = 0; v < 3 && environment_rows[i].variables[v][0]; v++)
			setenv(environment_rows[i].variables[v][0], environment_rows[i].variables[v][1], 1);
		settings = http_proxy_read_environment();
		http_proxy_choose(&settings, "http://h", &http);
		http_proxy_choose(&settings, "https://h", &https);
		cr_expect_str_eq(http.data, environment_rows[i].http, "row %zu", i);
		cr_expect_str_eq(https.data, environment_rows[i].https, "row %zu", i);
	}
}
