#include "common/container/list_order.h"

#include <string.h>

#include "common/base/strutil.h"

#define BLANKS " \t"
#define FIELD_CHARACTERS "abcdefghijklmnopqrstuvwxyz_"
#define DESCENDING "desc"

static enum rc refuse(const char *text, const char *at, const char *what, struct error *err)
{
	return error_set(err, RC_INVALID_ARGUMENT, "at character %zu: %s", (size_t)(at - text) + 1, what);
}

static bool has_field(const struct list_order *order, enum list_field field)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->terms[i].field == field)
			return true;
	return false;
}

static enum rc read_term(const char *text, const char **at, struct list_order *order, struct error *err)
{
	size_t len = strspn(*at, FIELD_CHARACTERS);
	struct list_order_term term = { .field = list_field_from_name(*at, len) };

	if (term.field == LIST_FIELD_COUNT || has_field(order, term.field))
		return refuse(text, *at, "expected id, name, image, status or create_time, each once", err);
	*at += len;
	len = strspn(*at, BLANKS);
	*at += len;
	term.descending = len > 0 && str_has_prefix(*at, DESCENDING);
	if (term.descending)
		*at += strlen(DESCENDING);
	*at += strspn(*at, BLANKS);
	order->terms[order->count++] = term;
	return RC_OK;
}

enum rc list_order_parse(const char *text, struct list_order *ret_order, struct error *err)
{
	struct list_order order = { .count = 0 };
	const char *at = text + strspn(text, BLANKS);
	enum rc rc;

	if (strlen(text) > LIST_ORDER_MAX)
		return error_set(err, RC_INVALID_ARGUMENT, "must have at most %d bytes", LIST_ORDER_MAX);
	rc = read_term(text, &at, &order, err);
	while (!rc && *at == ',') {
		at++;
		at += strspn(at, BLANKS);
		rc = read_term(text, &at, &order, err);
	}
	if (!rc && *at)
		rc = refuse(text, at, "only 'desc' or ',' may follow a field", err);
	if (!rc)
		*ret_order = order;
	return rc;
}

static int compare_field(enum list_field field, const struct list_subject *a, const struct list_subject *b)
{
	if (field == LIST_FIELD_CREATE_TIME)
		return (a->created_ms > b->created_ms) - (a->created_ms < b->created_ms);
	return strcmp(list_field_text(a, field), list_field_text(b, field));
}

int list_order_compare(const struct list_order *order, const struct list_subject *a, const struct list_subject *b)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < order->count; i++) {
		result = compare_field(order->terms[i].field, a, b);
		if (order->terms[i].descending)
			result = -result;
	}
	return result ? result : strcmp(a->name, b->name);
}
