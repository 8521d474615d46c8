#include "kube-worker/list/list_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/list/list_ids.h"
#include "kube-worker/operation/op_kube.h"

/* A container of the page, with its sort keys. */
struct row {
	struct fact root;
	enum container_status status;
	char *texts;     /* of the root */
	struct buf view; /* its JSON; empty: not read, or no longer matching */
};

struct pick {
	struct op_call *call;
	const struct list_question *question;
	struct kube_cache *cache;
	struct container_extras extras;
	struct row *rows;
	size_t count;
	size_t capacity;
	bool full;                        /* rows beyond the page were dropped: later ones are not needed */
	const struct list_subject *after; /* the last container of the previous page; NULL: first page */
	int64_t now_ms;
	enum kube_kind asked; /* of the current list call */
	size_t bytes;         /* of all views */
	bool more;            /* there is another page */
	enum rc rc;
	struct error *err;
};

static struct list_subject subject_of_root(const struct fact *root, enum container_status status)
{
	return (struct list_subject){
		.name = root->name,
		.instance_id = root->instance_id,
		.spec_name = root->spec_name,
		.image = root->image,
		.labels = root->labels,
		.created_ms = root->created_ms,
		.status = status,
	};
}

static struct list_subject subject_of(const struct row *row)
{
	return subject_of_root(&row->root, row->status);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void clear_row(struct row *row)
{
	free(row->texts);
	buf_clear(&row->view);
	*row = (struct row){ .texts = NULL };
}

/* Keep the first `count` rows. */
static void drop_rows(struct pick *pick, size_t count)
{
	while (pick->count > count) {
		pick->bytes -= pick->rows[pick->count - 1].view.len;
		clear_row(&pick->rows[--pick->count]);
	}
}

static const char *keep_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *kept = memcpy(*at, text, size);

	*at += size;
	return kept;
}

/* A copy of the sort keys. */
static bool make_row(const struct fact *root, enum container_status status, struct row *row)
{
	char *at = malloc(strlen(root->name) + strlen(root->instance_id) + strlen(root->spec_name) +
			  strlen(root->image) + 4);

	if (!at)
		return false;
	*row = (struct row){ .status = status, .texts = at, .view = buf_make(PROTOCOL_PAGE_BYTES) };
	row->root.kind = root->kind;
	row->root.created_ms = root->created_ms;
	row->root.name = keep_text(&at, root->name);
	row->root.instance_id = keep_text(&at, root->instance_id);
	row->root.spec_name = keep_text(&at, root->spec_name);
	row->root.image = keep_text(&at, root->image);
	row->root.labels = "";
	return true;
}

static int compare_rows(const void *a, const void *b, void *order)
{
	const struct list_subject x = subject_of(a);
	const struct list_subject y = subject_of(b);

	return list_order_compare(order, &x, &y);
}

/* Sort the rows, and keep those of the page, plus one that indicates another page. */
static void sort_rows(struct pick *pick)
{
	struct list_order order = pick->question->order;

	qsort_r(pick->rows, pick->count, sizeof(*pick->rows), compare_rows, &order);
	if (pick->count > pick->question->max + 1) {
		drop_rows(pick, pick->question->max + 1);
		pick->full = true;
	}
}

static void add_row(struct pick *pick, const struct fact *root, const struct list_subject *subject)
{
	const struct list_order *order = &pick->question->order;
	struct list_subject last;

	if (pick->after && list_order_compare(order, subject, pick->after) <= 0)
		return;
	if (pick->count == pick->capacity)
		sort_rows(pick);
	if (pick->full) {
		last = subject_of(&pick->rows[pick->question->max]); /* later rows are not sorted */
		if (list_order_compare(order, subject, &last) > 0)
			return;
	}
	if (make_row(root, subject->status, &pick->rows[pick->count]))
		pick->count++;
	else
		pick->rc = error_no_memory(pick->err);
}

/* ---- selection --------------------------------------------------------------------------------------------------- */

static void look_at(void *ctx, const struct fact *const *facts, size_t count)
{
	struct pick *pick = ctx;
	const struct status_rules *rules = &pick->call->env->status_rules;

	for (size_t i = 0; !pick->rc && i < count; i++) {
		struct list_subject subject;

		if (!workload_is_root(facts[i]->kind) || facts[i]->deleting ||
		    workload_is_younger_twin(facts[i], facts, count))
			continue;
		subject = subject_of_root(facts[i],
					  container_state_derive(facts[i], facts, count, pick->now_ms, rules).status);
		if (list_filter_matches(pick->question->filter, &subject))
			add_row(pick, facts[i], &subject);
	}
}

static enum rc choose(struct pick *pick, struct error *err)
{
	pick->capacity = 2 * (pick->question->max + 1);
	pick->rows = calloc(pick->capacity, sizeof(*pick->rows));
	if (!pick->rows)
		return error_no_memory(err);
	kube_cache_visit_all(pick->cache, look_at, pick);
	sort_rows(pick);
	pick->more = pick->count > pick->question->max;
	if (pick->more)
		drop_rows(pick, pick->question->max);
	return pick->rc;
}

/* ---- the end of the previous page -------------------------------------------------------------------------------- */

/* The inverse of add_key(). */
static bool read_key(enum list_field field, const char *text, struct fact *root, enum container_status *status)
{
	switch (field) {
	case LIST_FIELD_ID:
		root->instance_id = text;
		return true;
	case LIST_FIELD_NAME:
		root->spec_name = text;
		return true;
	case LIST_FIELD_IMAGE:
		root->image = text;
		return true;
	case LIST_FIELD_STATUS:
		return container_status_from_name(text, status);
	case LIST_FIELD_CREATE_TIME:
		return str_parse_int64(text, &root->created_ms);
	case LIST_FIELD_COUNT:
		break;
	}
	return false;
}

/* The texts are owned by the position. */
static enum rc read_position(const struct list_question *question, struct row *row, struct error *err)
{
	const cJSON *keys = question->position.keys;

	row->root = (struct fact){ .name = question->position.after, .instance_id = "", .spec_name = "", .image = "" };
	if (cJSON_GetArraySize(keys) != (int)question->order.count)
		return page_token_refuse(err);
	for (size_t i = 0; i < question->order.count; i++) {
		const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(keys, (int)i));

		if (!text || !read_key(question->order.terms[i].field, text, &row->root, &row->status))
			return page_token_refuse(err);
	}
	return RC_OK;
}

static enum rc add_key(cJSON *keys, const struct row *row, enum list_field field, struct error *err)
{
	const struct list_subject subject = subject_of(row);
	char number[24];
	cJSON *key;

	snprintf(number, sizeof(number), "%" PRId64, row->root.created_ms);
	key = cJSON_CreateString(field == LIST_FIELD_CREATE_TIME ? number : list_field_text(&subject, field));
	if (key && cJSON_AddItemToArray(keys, key))
		return RC_OK;
	cJSON_Delete(key);
	return error_no_memory(err);
}

static enum rc write_token(const struct pick *pick, struct buf *token, struct error *err)
{
	const struct list_question *question = pick->question;
	const struct row *last = &pick->rows[pick->count - 1];
	cleanup_json cJSON *keys = cJSON_CreateArray();
	enum rc rc = keys ? RC_OK : error_no_memory(err);

	for (size_t i = 0; !rc && i < question->order.count; i++)
		rc = add_key(keys, last, question->order.terms[i].field, err);
	if (rc)
		return rc;
	return page_token_encode(&(struct page_position){ .kube_token = (char *)(uintptr_t) "",
							  .after = (char *)(uintptr_t)last->root.name,
							  .keys = keys },
				 question->scope.data, token, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static struct row *find_row(struct pick *pick, enum kube_kind kind, const char *name)
{
	for (size_t i = 0; i < pick->count; i++)
		if (pick->rows[i].root.kind == kind && str_equal(pick->rows[i].root.name, name))
			return &pick->rows[i];
	return NULL;
}

/* The current container, if it still matches the filter. */
static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct pick *pick = ctx;
	struct row *row = find_row(pick, pick->asked, json_string_at(item, "metadata.name"));
	struct json_writer w;
	struct list_subject subject;
	cleanup_free struct fact *root = NULL;
	enum rc rc;

	if (!row || json_at(item, "metadata.deletionTimestamp"))
		return RC_OK;
	rc = fact_from_object(pick->asked, item, &root, err);
	if (!rc)
		rc = container_gather_from(pick->call, pick->cache, root, &pick->extras, err);
	if (rc)
		return rc;
	subject = subject_of_root(root, pick->extras.status);
	if (!list_filter_matches(pick->question->filter, &subject))
		return RC_OK;
	w = json_writer_make(&row->view);
	rc = container_view_write(&w, item, &pick->extras, NULL, err);
	pick->bytes += row->view.len;
	while (pick->bytes > PROTOCOL_PAGE_BYTES && pick->count > 1) {
		drop_rows(pick, pick->count - 1);
		pick->more = true;
	}
	return rc;
}

/* The page is restarted. */
static void forget_views(void *ctx)
{
	struct pick *pick = ctx;

	for (size_t i = 0; i < pick->count; i++) {
		if (pick->rows[i].root.kind != pick->asked)
			continue;
		pick->bytes -= pick->rows[i].view.len;
		buf_clear(&pick->rows[i].view);
	}
}

static enum rc ask(struct pick *pick, const struct buf *selector, struct error *err)
{
	struct op_call *call = pick->call;
	const struct kube_page page = {
		.kind = pick->asked,
		.namespace = call->env->namespace,
		.selector = selector->data,
		.deadline_ms = call->deadline_ms,
		.on_item = take_item,
		.on_restart = forget_views,
		.ctx = pick,
	};
	cleanup_free char *next = NULL;
	enum rc rc = buf_check(selector, err);

	if (!rc && kube_list_page(call->kube, &page, &next, NULL, NULL, err))
		rc = op_kube_translate(call, &(struct kube_reply){ 0 }, kube_kind_plural(pick->asked), err);
	return rc;
}

/* Keep as many rows as fit into one selector; the others are left for the next page. */
static void drop_what_has_no_room(struct pick *pick)
{
	struct list_ids ids cleanup_list_ids = list_ids_make();

	for (size_t i = 0; i < pick->count; i++) {
		if (list_ids_have_room(&ids, pick->rows[i].root.instance_id)) {
			list_ids_add(&ids, pick->rows[i].root.instance_id);
			continue;
		}
		drop_rows(pick, i);
		pick->more = true;
	}
}

static enum rc read_kind(struct pick *pick, enum kube_kind kind, struct error *err)
{
	struct buf selector cleanup_buf = buf_make(LIST_SELECTOR_MAX + LIST_IDS_SELECTOR_MAX);
	struct list_ids ids cleanup_list_ids = list_ids_make();
	enum rc rc = RC_OK;

	pick->asked = kind;
	for (size_t i = 0; i < pick->count; i++)
		if (pick->rows[i].root.kind == kind)
			list_ids_add(&ids, pick->rows[i].root.instance_id);
	for (int i = 0; !rc && i < LIST_IDS_QUESTIONS; i++)
		if (list_ids_question(&ids, i, &pick->question->selector, &selector))
			rc = ask(pick, &selector, err);
	return rc;
}

static enum rc read_rows(struct pick *pick, struct error *err)
{
	enum rc rc = RC_OK;

	drop_what_has_no_room(pick);
	for (int kind = workload_root_from(0); !rc && kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1))
		rc = read_kind(pick, (enum kube_kind)kind, err);
	return rc;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static enum rc write_page(const struct pick *pick, struct buf *result, struct error *err)
{
	struct buf token cleanup_buf = buf_make(65536);
	struct json_writer w = json_writer_make(result);
	enum rc rc = pick->more ? write_token(pick, &token, err) : RC_OK;

	if (rc)
		return rc;
	json_begin_object(&w, NULL);
	json_begin_array(&w, "containers");
	for (size_t i = 0; i < pick->count; i++)
		if (pick->rows[i].view.len)
			json_raw(&w, NULL, pick->rows[i].view.data, pick->rows[i].view.len);
	json_end_array(&w);
	json_string(&w, "next_page_token", token.data);
	json_end_object(&w);
	return buf_check(result, err);
}

enum rc list_pick(struct op_call *call, struct list_question *question, struct buf *result, struct error *err)
{
	struct pick pick = {
		.call = call,
		.question = question,
		.extras = container_extras_make(),
		.now_ms = clock_mono_ms(),
		.err = err,
	};
	struct container_cache cache cleanup_container_cache = { 0 };
	struct row before = { .texts = NULL };
	struct list_subject after;
	enum rc rc = RC_OK;

	if (question->position.after[0]) {
		rc = read_position(question, &before, err);
		after = subject_of(&before);
		pick.after = &after;
	}
	if (!rc)
		rc = container_cache_open(call, workload_root_kinds() | container_gather_kinds(), NULL, &cache, err);
	pick.cache = cache.cache;
	if (!rc)
		rc = choose(&pick, err);
	if (!rc && pick.count > 0)
		rc = read_rows(&pick, err);
	if (!rc)
		rc = write_page(&pick, result, err);
	drop_rows(&pick, 0);
	free(pick.rows);
	container_extras_clear(&pick.extras);
	return rc;
}
