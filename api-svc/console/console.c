#include "api-svc/console/console.h"

#include <stdint.h>

#include "common/base/strutil.h"

/* The Makefile declares the dependency on the files. */
#define EMBED(name, file)                                \
	__asm__(".section .rodata\n"                     \
		".global console_" #name "_begin\n"      \
		".global console_" #name "_end\n"        \
		"console_" #name "_begin:\n"             \
		".incbin \"api-svc/console/" file "\"\n" \
		"console_" #name "_end:\n"               \
		".byte 0\n"                              \
		".previous\n");                          \
	extern const char console_##name##_begin[];      \
	extern const char console_##name##_end[]

EMBED(page, "console.html");
EMBED(style, "console.css");
EMBED(script, "console.js");

const char *const console_headers[] = {
	"Content-Security-Policy",
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
	"X-Content-Type-Options",
	"nosniff",
	"Referrer-Policy",
	"no-referrer",
	"Cache-Control",
	"no-cache",
	NULL,
};

static const struct {
	const char *path;
	const char *media_type;
	const char *begin;
	const char *end;
} files[] = {
	{ "/console", "text/html; charset=utf-8", console_page_begin, console_page_end },
	{ "/console/console.css", "text/css; charset=utf-8", console_style_begin, console_style_end },
	{ "/console/console.js", "text/javascript; charset=utf-8", console_script_begin, console_script_end },
};

bool console_find(const char *path, struct console_file *ret_file)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (!str_equal(files[i].path, path))
			continue;
		*ret_file = (struct console_file){
			.path = files[i].path,
			.media_type = files[i].media_type,
			.text = files[i].begin,
			.len = (size_t)((uintptr_t)files[i].end - (uintptr_t)files[i].begin),
		};
		return true;
	}
	return false;
}
