#include "api-svc/document/exact_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api-svc/document/faults.h"
#include "common/base/strutil.h"

#define DIGITS_MAX 400 /* significant digits that are compared; the output has at most 17 */
#define QUOTED_MAX 40  /* bytes of a number in an error message */
#define EXPONENT_MAX 1000000

/* ---- two decimals ---- */

/* 0.<digits> times ten to the power of `exponent`; without zeros at either end; no digits: zero. */
struct decimal {
	bool negative;
	bool too_long;
	size_t count;
	long exponent;
	char digits[DIGITS_MAX];
};

static void add_digit(struct decimal *d, char digit)
{
	if (d->count == DIGITS_MAX)
		d->too_long = true;
	else
		d->digits[d->count++] = digit;
}

static void read_decimal(const char *text, size_t len, struct decimal *d)
{
	const char *end = text + len;
	bool behind_point = false;
	long exponent = 0;

	*d = (struct decimal){ .negative = *text == '-' };
	for (text += d->negative; text < end && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.') {
			behind_point = true;
			continue;
		}
		if (d->count > 0 || *text != '0')
			add_digit(d, *text);
		if (d->count > 0 && !behind_point)
			d->exponent++;
		if (d->count == 0 && behind_point)
			d->exponent--;
	}
	if (text < end) {
		exponent = strtol(text + 1, NULL, 10);
		exponent = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent < -EXPONENT_MAX ? -EXPONENT_MAX : exponent;
	}
	d->exponent += exponent;
	while (d->count > 0 && d->digits[d->count - 1] == '0')
		d->count--;
}

static bool decimals_equal(const struct decimal *a, const struct decimal *b)
{
	if (a->count == 0 && b->count == 0)
		return true;
	return !a->too_long && !b->too_long && a->negative == b->negative && a->exponent == b->exponent &&
	       a->count == b->count && memcmp(a->digits, b->digits, a->count) == 0;
}

static bool is_exact(const char *text, size_t len)
{
	char shown[JSON_NUMBER_MAX];
	struct decimal sent;
	struct decimal kept;
	double value = strtod(text, NULL);

	if (isinf(value))
		return false;
	if (floor(value) != value)
		return true;
	json_format_number(value, shown);
	read_decimal(text, len, &sent);
	read_decimal(shown, strlen(shown), &kept);
	return decimals_equal(&sent, &kept);
}

/* ---- the text ---- */

struct level {
	bool is_object;
	bool wants_key;
	size_t index;    /* of an array item */
	const char *key; /* including quotes */
	size_t key_len;
};

struct walk {
	const char *at, *end;
	struct level levels[JSON_DEPTH_MAX];
	size_t depth;
	struct faults *faults;
};

static void add_level(const struct level *level, struct buf *pointer)
{
	cleanup_json cJSON *key = NULL;

	if (!level->is_object) {
		fault_pointer_add_index(pointer, level->index);
		return;
	}
	key = cJSON_ParseWithLength(level->key, level->key_len);
	fault_pointer_add_name(pointer, cJSON_IsString(key) ? key->valuestring : "");
}

static void walk_number(struct walk *w)
{
	struct buf pointer cleanup_buf = buf_make(JSON_DEPTH_MAX * FAULT_POINTER_MAX);
	const char *first = w->at;
	size_t len;

	while (w->at < w->end && *w->at && strchr("+-.eE0123456789", *w->at))
		w->at++;
	len = (size_t)(w->at - first);
	if (is_exact(first, len))
		return;
	for (size_t i = 0; i < w->depth; i++)
		add_level(&w->levels[i], &pointer);
	faults_add(w->faults, pointer.data, "the number %.*s cannot be represented exactly: send it as a string",
		   (int)(len < QUOTED_MAX ? len : QUOTED_MAX), first);
}

static void walk_string(struct walk *w)
{
	struct level *level = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
	const char *first = w->at;

	for (w->at++; *w->at != '"'; w->at++)
		w->at += *w->at == '\\';
	w->at++;
	if (level && level->wants_key) {
		level->key = first;
		level->key_len = (size_t)(w->at - first);
		level->wants_key = false;
	}
}

static void walk_comma(struct level *level)
{
	level->wants_key = level->is_object;
	level->index++;
}

void exact_numbers_check(const char *text, size_t len, struct faults *faults)
{
	struct walk w = { .at = text, .end = text + len, .faults = faults };

	while (w.at < w.end) {
		char c = *w.at;

		if (c == '"') {
			walk_string(&w);
			continue;
		}
		if (c == '-' || (c >= '0' && c <= '9')) {
			walk_number(&w);
			continue;
		}
		if (c == '{' || c == '[')
			w.levels[w.depth++] = (struct level){ .is_object = c == '{', .wants_key = c == '{' };
		else if (c == '}' || c == ']')
			w.depth--;
		else if (c == ',')
			walk_comma(&w.levels[w.depth - 1]);
		w.at++;
	}
}
