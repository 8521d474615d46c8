#include "common/operation.h"

#include <string.h>

static const struct operation_row rows[OPERATION_COUNT] = {
#define OPERATION_ROW(upper, lower, ...) [OPERATION_##upper] = { #lower, __VA_ARGS__ },
	OPERATION_ROWS(OPERATION_ROW)
#undef OPERATION_ROW
};

const struct operation_row *operation_row(enum operation operation)
{
	return &rows[operation];
}

const char *operation_name(enum operation operation)
{
	return rows[operation].name;
}

enum operation operation_from_name(const char *name)
{
	int operation = 0;

	while (operation < OPERATION_COUNT && strcmp(rows[operation].name, name) != 0)
		operation++;
	return (enum operation)operation;
}
