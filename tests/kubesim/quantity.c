/*
 * The canonical form of quantities. Source: apimachinery pkg/api/resource, CanonicalizeBytes: no decimals, the largest
 * suffix that leaves a whole number; binary suffixes stay binary, except below 1024. Amounts of a container are rounded
 * up to thousandths, and cut at 2^63-1.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/defaults.h"

__extension__ typedef __int128 wide; /* nano units of 2^63 fit */

#define NANO ((wide)1000000000)
#define MILLI ((wide)1000000) /* nano units of a thousandth */
#define AMOUNT_MAX ((wide)INT64_MAX * NANO)

struct suffix {
	const char *name;
	int64_t factor;  /* of one */
	int64_t divisor; /* of one, for the small ones */
	bool binary;
};

/* From the largest to the smallest; within a family the canonical form is the first that divides. */
/* clang-format off */
static const struct suffix suffixes[] = {
	{ "Ei", 1LL << 60, 1, true }, { "Pi", 1LL << 50, 1, true }, { "Ti", 1LL << 40, 1, true },
	{ "Gi", 1LL << 30, 1, true }, { "Mi", 1LL << 20, 1, true }, { "Ki", 1LL << 10, 1, true },
	{ "E", 1000000000000000000, 1, false }, { "P", 1000000000000000, 1, false },
	{ "T", 1000000000000, 1, false }, { "G", 1000000000, 1, false }, { "M", 1000000, 1, false },
	{ "k", 1000, 1, false }, { "", 1, 1, false }, { "m", 1, 1000, false }, { "u", 1, 1000000, false },
	{ "n", 1, 1000000000, false },
};
/* clang-format on */

/* Nano units of one `suffix`. */
static wide weight(const struct suffix *suffix)
{
	return NANO * suffix->factor / suffix->divisor;
}

/* The suffix's weight, and which family it belongs to. False: it is none. */
static bool read_suffix(const char *text, wide *ret_weight, char *ret_family)
{
	int64_t exponent;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (strcmp(suffixes[i].name, text) == 0) {
			*ret_weight = weight(&suffixes[i]);
			*ret_family = suffixes[i].binary ? 'b' : 'd';
			return true;
		}
	}
	if ((text[0] != 'e' && text[0] != 'E') || !str_parse_int64(text + 1 + (text[1] == '+'), &exponent) ||
	    exponent < -9 || exponent > 18)
		return false;
	*ret_weight = 1;
	for (int64_t i = -9; i < exponent; i++)
		*ret_weight *= 10;
	*ret_family = 'e';
	return true;
}

/* The amount in nano units, rounded up to thousandths, at most AMOUNT_MAX. False when it is no number. */
static bool read_amount(const char *text, wide *ret_nano, char *ret_family)
{
	const char *digits = text + strspn(text, "+-");
	size_t len = strspn(digits, "0123456789.");
	wide divisor = 1;
	wide value = 0;
	wide unit;
	bool point = false;

	if (digits - text > 1 || len == 0 || !read_suffix(digits + len, &unit, ret_family))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] == '.') {
			if (point)
				return false;
			point = true;
		} else if (divisor < NANO * 1000) {
			value = value * 10 + (wide)(digits[i] - '0');
			divisor *= point ? 10 : 1;
		}
		if (value > AMOUNT_MAX)
			value = AMOUNT_MAX;
	}
	if (len == 1 && point)
		return false;
	if (value / divisor >= AMOUNT_MAX / unit)
		value = AMOUNT_MAX;
	else
		value = (value * unit + divisor * MILLI - 1) / (divisor * MILLI) * MILLI;
	*ret_nano = value * (text[0] == '-' ? -1 : 1);
	return true;
}

static void format_exponent(int64_t value, char *out, size_t out_size)
{
	int exponent = 0;

	while (value != 0 && value % 1000 == 0) {
		value /= 1000;
		exponent += 3;
	}
	snprintf(out, out_size, exponent ? "%" PRId64 "e%d" : "%" PRId64, value, exponent);
}

bool sim_quantity_canonical(const char *text, char *out, size_t out_size)
{
	char family = 'd';
	wide nano;

	if (!read_amount(text, &nano, &family))
		return false;
	if (nano == 0) {
		snprintf(out, out_size, "0");
		return true;
	}
	if (family == 'b' && (nano % NANO != 0 || (nano < 1024 * NANO && nano > -1024 * NANO)))
		family = 'd';
	if (family == 'e' && nano % NANO == 0) {
		format_exponent((int64_t)(nano / NANO), out, out_size);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		bool fits = suffixes[i].binary == (family == 'b') || suffixes[i].name[0] == '\0';

		if (fits && nano % weight(&suffixes[i]) == 0) {
			snprintf(out, out_size, "%" PRId64 "%s", (int64_t)(nano / weight(&suffixes[i])),
				 suffixes[i].name);
			return true;
		}
	}
	return false;
}
