#include "common/protocol.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"

static const char *const names[OPERATION_COUNT] = {
	[OPERATION_CREATE] = "create", [OPERATION_UNDO] = "undo",     [OPERATION_GET] = "get",
	[OPERATION_LIST] = "list",     [OPERATION_DELETE] = "delete", [OPERATION_HEALTH] = "health",
};

const char *operation_name(enum operation op)
{
	return names[op];
}

enum operation operation_from_name(const char *name)
{
	int op = 0;

	while (op < OPERATION_COUNT && strcmp(names[op], name) != 0)
		op++;
	return (enum operation)op;
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

void protocol_operation_subject(const char *name, const char *what, char out[PROTOCOL_SUBJECT_MAX])
{
	size_t used = (size_t)snprintf(out, PROTOCOL_SUBJECT_MAX, "%s.", PROTOCOL_ROOT);

	for (; *name && used + 4 < PROTOCOL_SUBJECT_MAX; name++) {
		if (is_token_char(*name))
			out[used++] = *name;
		else
			used += (size_t)snprintf(out + used, 4, "_%02X", (unsigned char)*name);
	}
	snprintf(out + used, PROTOCOL_SUBJECT_MAX - used, ".op.%s", what);
}

const char *protocol_subject_operation(const char *subject)
{
	const char *dot = strrchr(subject, '.');

	return dot ? dot + 1 : subject;
}
