/*
 * list: parses the request, and selects one of the two ways to produce a page (list_page.h).
 */
#include "kube-worker/operation/op.h"

#include "common/container/labels.h"
#include "kube-worker/list/list_page.h"

#define SCOPE_MAX (LIST_FILTER_MAX + LIST_ORDER_MAX + 1024)

/* The member, if present and not empty. */
static const char *text_of(const cJSON *request, const char *name)
{
	const char *text = json_string_at(request, name);

	return text && text[0] ? text : NULL;
}

static void add_fault(struct op_call *call, const char *pointer, const struct error *why)
{
	struct json_writer w = json_writer_make(&call->faults);

	json_begin_object(&w, NULL);
	json_string(&w, "detail", why->text);
	json_string(&w, "pointer", pointer);
	json_end_object(&w);
}

/* Usually validated by api-svc, but other clients may exist. */
static enum rc read_filter_and_order(struct op_call *call, const cJSON *request, struct list_question *question,
				     struct error *err)
{
	const char *filter = text_of(request, "filter");
	const char *order_by = text_of(request, "order_by");
	enum rc rc = filter ? list_filter_parse(filter, &question->filter, err) : RC_OK;

	if (rc == RC_INVALID_ARGUMENT)
		add_fault(call, "/query/filter", err);
	if (rc || !order_by)
		return rc;
	rc = list_order_parse(order_by, &question->order, err);
	if (rc == RC_INVALID_ARGUMENT)
		add_fault(call, "/query/order_by", err);
	return rc;
}

/* Without filter and order the scope is unchanged: older tokens stay valid. */
static void write_scope(const struct op_call *call, const cJSON *request, struct buf *scope)
{
	const char *filter = text_of(request, "filter");
	const char *order_by = text_of(request, "order_by");

	buf_addf(scope, "%s\n%s%s", call->env->provider, call->env->namespace,
		 resource_row(call->env->resource)->page_scope);
	if (filter || order_by)
		buf_addf(scope, "\n%s\n%s", order_by ? order_by : "", filter ? filter : "");
}

static enum rc answer(struct op_call *call, const cJSON *request, struct list_question *question, struct buf *result,
		      struct error *err)
{
	const char *token = text_of(request, "page_token");
	enum rc rc = read_filter_and_order(call, request, question, err);
	bool by_labels;

	if (rc)
		return rc;
	buf_add_str(&question->selector, labels_selector(call->env->resource));
	by_labels = list_filter_select(question->filter, &question->selector);
	write_scope(call, request, &question->scope);
	rc = page_token_decode(token ? token : "", question->scope.data, &question->position, err);
	if (rc)
		return rc;
	if (by_labels && question->order.count == 0)
		return list_walk(call, question, result, err);
	return list_pick(call, question, result, err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct list_question question = {
		.selector = buf_make(LIST_SELECTOR_MAX),
		.scope = buf_make(SCOPE_MAX),
		.max = (size_t)json_int_at(request, "max_page_size", PROTOCOL_PAGE_SIZE_DEFAULT),
	};
	enum rc rc = answer(call, request, &question, result, err);

	list_filter_destroy(question.filter);
	buf_clear(&question.selector);
	buf_clear(&question.scope);
	page_position_clear(&question.position);
	return rc;
}

static const struct request_member members[] = {
	{ .name = "max_page_size",
	  .type = request_member_is_int,
	  .min = 1,
	  .max = PROTOCOL_PAGE_SIZE_MAX,
	  .form = "1 to 1000" },
	{ .name = "page_token", .type = request_member_is_text, .form = "a text" },
	{ .name = "filter", .type = request_member_is_text, .form = "a text" },
	{ .name = "order_by", .type = request_member_is_text, .form = "a text" },
};

const struct op op_list = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
