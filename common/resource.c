#include "common/resource.h"

static const struct resource rows[RESOURCE_TYPE_COUNT] = {
#define RESOURCE_ROW(upper, ...) [RESOURCE_##upper] = { __VA_ARGS__ },
	RESOURCE_ROWS(RESOURCE_ROW)
#undef RESOURCE_ROW
};

const struct resource *resource_row(enum resource_type type)
{
	return &rows[type];
}
