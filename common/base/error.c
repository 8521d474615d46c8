#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"

static const char *const names[RC_COUNT] = {
	[RC_OK] = "OK",
	[RC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[RC_UNAUTHENTICATED] = "UNAUTHENTICATED",
	[RC_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[RC_NOT_FOUND] = "NOT_FOUND",
	[RC_ALREADY_EXISTS] = "ALREADY_EXISTS",
	[RC_CONFLICT] = "CONFLICT",
	[RC_PRECONDITION] = "PRECONDITION_FAILED",
	[RC_KEY_REUSED] = "KEY_REUSED",
	[RC_TOO_LARGE] = "TOO_LARGE",
	[RC_UNSUPPORTED_ENCODING] = "UNSUPPORTED_ENCODING",
	[RC_EXPIRED] = "EXPIRED",
	[RC_UNSUPPORTED] = "UNSUPPORTED",
	[RC_UNIMPLEMENTED] = "UNIMPLEMENTED",
	[RC_NOT_STARTED] = "NOT_STARTED",
	[RC_BUSY] = "BUSY",
	[RC_PENDING] = "PENDING",
	[RC_CANCELLED] = "CANCELLED",
	[RC_UNAVAILABLE] = "UNAVAILABLE",
	[RC_TIMEOUT] = "TIMEOUT",
	[RC_NO_MEMORY] = "NO_MEMORY",
	[RC_INTERNAL] = "INTERNAL",
};

enum rc error_set(struct error *err, enum rc rc, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return rc;
	err->rc = rc;
	err->retry_after_s = 0;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	str_trim_broken_utf8(err->text);
	return rc;
}

enum rc error_wrap(struct error *err, enum rc rc, const char *fmt, ...)
{
	char inner[ERROR_TEXT_MAX];
	va_list args;
	size_t used;

	if (!err)
		return rc;
	memcpy(inner, err->text, sizeof(inner));
	err->rc = rc;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	str_trim_broken_utf8(err->text);
	return rc;
}

enum rc error_no_memory(struct error *err)
{
	return error_set(err, RC_NO_MEMORY, "out of memory");
}

const char *rc_name(enum rc rc)
{
	return (unsigned)rc < RC_COUNT ? names[rc] : names[RC_INTERNAL];
}

enum rc rc_from_name(const char *name)
{
	for (int i = 0; i < RC_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (enum rc)i;
	return RC_INTERNAL;
}

const char *error_errno_text(int errnum)
{
	const char *text = strerrordesc_np(errnum);

	return text ? text : "unknown error";
}
