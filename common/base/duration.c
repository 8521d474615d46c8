#include "common/base/duration.h"

#include <stddef.h>
#include <string.h>

#include "common/base/compiler.h"

#define DURATION_MAX_NS (100.0 * 365 * 24 * 3600 * 1e9)

/* Longer names first: "ms" must not be read as "m". */
static const struct unit {
	const char *name;
	double ns;
} units[] = {
	{ "ns", 1 },   { "us", 1e3 }, { "\xC2\xB5s", 1e3 }, { "\xCE\xBCs", 1e3 },
	{ "ms", 1e6 }, { "s", 1e9 },  { "m", 60e9 },        { "h", 3600e9 },
};

static const struct unit *find_unit(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	return NULL;
}

/* A number such as "1", "1.5" or ".5"; *text is advanced. */
static bool parse_number(const char **text, double *ret_value)
{
	double value = 0;
	double weight = 1;
	bool digits = false;

	for (; **text >= '0' && **text <= '9'; (*text)++, digits = true)
		value = value * 10 + (**text - '0');
	if (**text == '.') {
		for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, digits = true) {
			weight /= 10;
			value += weight * (**text - '0');
		}
	}
	*ret_value = value;
	return digits;
}

bool duration_parse_ms(const char *text, int64_t *ret_ms)
{
	double total_ns = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	if (text[0] == '\0')
		return false;
	while (text[0] != '\0') {
		const struct unit *unit;
		double value;

		if (!parse_number(&text, &value))
			return false;
		unit = find_unit(text);
		if (!unit)
			return false;
		total_ns += value * unit->ns;
		if (total_ns > DURATION_MAX_NS)
			return false;
		text += strlen(unit->name);
	}
	*ret_ms = (int64_t)(total_ns / 1e6 + 1e-6);
	return true;
}
