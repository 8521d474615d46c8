#include "common/container/quantity.h"

#include <string.h>

#include "common/base/strutil.h"

#define DIGITS "0123456789"

__extension__ typedef __int128 wide; /* holds mantissa times factor without overflow checks */

#define WIDE_LIMIT ((wide)INT64_MAX)

struct suffix {
	const char *name;
	int64_t numerator;
	int64_t denominator;
};

static const struct suffix client_memory[] = {
	{ "MB", 1LL << 20, 1 },
	{ "GB", 1LL << 30, 1 },
	{ "TB", 1LL << 40, 1 },
};

static const struct suffix client_cpu[] = {
	{ "", 1000, 1 },
	{ "m", 1, 1 },
};

/* clang-format off */
static const struct suffix kubernetes[] = {
	{ "", 1, 1 },
	{ "n", 1, 1000000000 }, { "u", 1, 1000000 }, { "m", 1, 1000 },
	{ "k", 1000, 1 }, { "M", 1000000, 1 }, { "G", 1000000000, 1 }, { "T", 1000000000000, 1 },
	{ "P", 1000000000000000, 1 }, { "E", 1000000000000000000, 1 },
	{ "Ki", 1LL << 10, 1 }, { "Mi", 1LL << 20, 1 }, { "Gi", 1LL << 30, 1 }, { "Ti", 1LL << 40, 1 },
	{ "Pi", 1LL << 50, 1 }, { "Ei", 1LL << 60, 1 },
};
/* clang-format on */

static const struct suffix *find_suffix(const struct suffix *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* Digits as a number; false above INT64_MAX. */
static bool parse_digits(const char *text, size_t len, wide *value)
{
	for (size_t i = 0; i < len; i++) {
		*value = *value * 10 + (wide)(text[i] - '0');
		if (*value > WIDE_LIMIT)
			return false;
	}
	return true;
}

/* An integer of at least 1 with one of the table's suffixes. */
static bool parse_whole(const char *text, const struct suffix *table, size_t count, int64_t *ret_value)
{
	size_t len = strspn(text, DIGITS);
	const struct suffix *suffix = find_suffix(table, count, text + len);
	wide value = 0;

	if (len == 0 || !suffix || !parse_digits(text, len, &value))
		return false;
	value *= (wide)suffix->numerator;
	if (value == 0 || value > WIDE_LIMIT)
		return false;
	*ret_value = (int64_t)value;
	return true;
}

bool quantity_parse_cpu(const cJSON *value, int64_t *ret_milli)
{
	int64_t cores;

	if (cJSON_IsString(value))
		return value->valuestring[0] != '0' &&
		       parse_whole(value->valuestring, client_cpu, ARRAY_LEN(client_cpu), ret_milli);
	if (!json_is_int(value, &cores) || cores < 1 || cores > INT64_MAX / 1000)
		return false;
	*ret_milli = cores * 1000;
	return true;
}

bool quantity_parse_memory(const char *text, int64_t *ret_bytes)
{
	return parse_whole(text, client_memory, ARRAY_LEN(client_memory), ret_bytes);
}

/* 10 to the power of exponent, 0..18. */
static int64_t power_of_ten(int64_t exponent)
{
	int64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* "e3", "E-2", or a named suffix. */
static bool parse_factor(const char *text, struct suffix *ret)
{
	const struct suffix *named = find_suffix(kubernetes, ARRAY_LEN(kubernetes), text);
	int64_t exponent;

	if (named) {
		*ret = *named;
		return true;
	}
	if ((text[0] != 'e' && text[0] != 'E') || !str_parse_int64(text + 1 + (text[1] == '+'), &exponent) ||
	    exponent > 18 || exponent < -18)
		return false;
	*ret = (struct suffix){ text, 1, 1 };
	*(exponent < 0 ? &ret->denominator : &ret->numerator) = power_of_ten(exponent < 0 ? -exponent : exponent);
	return true;
}

bool quantity_parse(const char *text, int64_t unit, int64_t *ret_value)
{
	size_t whole_len = strspn(text, DIGITS);
	const char *decimals = text[whole_len] == '.' ? text + whole_len + 1 : text + whole_len;
	size_t decimal_len = text[whole_len] == '.' ? strspn(decimals, DIGITS) : 0;
	struct suffix factor;
	wide denominator;
	wide value = 0;

	if (whole_len + decimal_len == 0 || decimal_len > 9 || !parse_factor(decimals + decimal_len, &factor) ||
	    !parse_digits(text, whole_len, &value) || !parse_digits(decimals, decimal_len, &value))
		return false;
	if (factor.numerator > INT64_MAX / unit)
		return false;
	denominator = (wide)factor.denominator * (wide)power_of_ten((int64_t)decimal_len);
	value = (value * (wide)(factor.numerator * unit) + denominator - 1) / denominator;
	if (value > WIDE_LIMIT)
		return false;
	*ret_value = (int64_t)value;
	return true;
}
