#include "api-svc/list_query.h"

#include "api-svc/parameters.h"
#include "common/container/list_filter.h"
#include "common/container/list_order.h"

static enum rc check_filter(const char *text, struct error *err)
{
	struct list_filter *filter cleanup_list_filter = NULL;

	return list_filter_parse(text, &filter, err);
}

static enum rc check_order(const char *text, struct error *err)
{
	struct list_order order;

	return list_order_parse(text, &order, err);
}

static const struct {
	const char *name;
	const char *pointer;
	enum rc (*check)(const char *text, struct error *err);
} parameters[] = {
	{ "filter", "/query/filter", check_filter },
	{ "order_by", "/query/order_by", check_order },
};

/* NULL: absent or empty. */
static const char *value_of(const struct target *target, const char *name)
{
	const char *text = parameters_query(target, name);

	return text && text[0] ? text : NULL;
}

void list_query_check(const struct target *target, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		const char *text = value_of(target, parameters[i].name);
		struct error err;
		enum rc rc = text ? parameters[i].check(text, &err) : RC_OK;

		if (rc == RC_NO_MEMORY)
			faults->no_memory = true;
		else if (rc)
			faults_add(faults, parameters[i].pointer, "%s", err.text);
	}
}

void list_query_check_watch(const struct target *target, struct faults *faults)
{
	static const char *const of_lists[][2] = {
		{ "order_by", "/query/order_by" },
		{ "max_page_size", "/query/max_page_size" },
		{ "page_token", "/query/page_token" },
	};

	for (size_t i = 0; i < ARRAY_LEN(of_lists); i++)
		if (parameters_query(target, of_lists[i][0]))
			faults_add(faults, of_lists[i][1], "is not supported by a watch");
	list_query_check(target, faults);
}

bool list_query_is_narrowed(const struct target *target)
{
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (value_of(target, parameters[i].name))
			return true;
	return false;
}
