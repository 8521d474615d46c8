/* NO_PROXY, a proxy and a URL, one per line: no proxy, or one that libcurl accepts; never one for this machine. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/http/http_proxy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char *rest = text;
	const char *no_proxy = strsep(&rest, "\n");
	const char *proxy = strsep(&rest, "\n");
	const char *url = strsep(&rest, "\n");
	const struct http_proxy_settings settings = { .https = proxy, .no_proxy = no_proxy };
	struct buf out cleanup_buf = buf_make((size_t)HTTP_PROXY_MAX * 2);

	if (!url)
		return 0;
	http_proxy_choose(&settings, "https://127.0.0.1:6443", &out);
	FUZZ_CHECK(out.len == 0);
	http_proxy_choose(&settings, url, &out);
	FUZZ_CHECK(out.len == 0 || str_has_prefix(out.data, "http://") || str_has_prefix(out.data, "https://") ||
		   str_has_prefix(out.data, "socks5h://"));
	FUZZ_CHECK(!strpbrk(out.data, " \r\n"));
	return 0;
}
