#include "kube-worker/list_page.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/kube/kube_list.h"
#include "kube-worker/container_find.h"
#include "kube-worker/op_kube.h"

/*
 * A page is one list call for the objects of one kind: with another kind of root its token has to say which kind comes next.
 */
#define LISTED_KIND KUBE_DEPLOYMENT

struct page_writer {
	struct op_call *call;
	struct kube_cache *cache; /* of what belongs to the roots */
	struct container_extras extras;
	struct json_writer w;
	size_t start;      /* where this page begins in the result */
	const char *after; /* names up to it were delivered before */
	struct buf last;   /* the last name of this page */
	bool cut;          /* the page is full by bytes */
};

static void begin_page(void *ctx)
{
	struct page_writer *page = ctx;

	buf_truncate(page->w.out, page->start);
	page->w = json_writer_make(page->w.out);
	page->cut = false;
	buf_reset(&page->last);
	json_begin_object(&page->w, NULL);
	json_begin_array(&page->w, "containers");
}

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct page_writer *page = ctx;
	const char *name = json_string_at(item, "metadata.name");
	cleanup_free struct fact *root = NULL;
	enum rc rc;

	if (!name)
		return error_set(err, RC_UNAVAILABLE, "a %s without a name", kube_kind_name(LISTED_KIND));
	if (page->cut || strcmp(name, page->after) <= 0)
		return RC_OK;
	if (page->w.out->len - page->start >= PROTOCOL_PAGE_BYTES) {
		page->cut = true;
		return RC_OK;
	}
	buf_reset(&page->last);
	buf_add_str(&page->last, name);
	if (json_at(item, "metadata.deletionTimestamp"))
		return RC_OK;
	rc = fact_from_object(LISTED_KIND, item, &root, err);
	if (!rc)
		rc = container_gather_from(page->call, page->cache, root, &page->extras, err);
	return rc ? rc : container_view_write(&page->w, item, &page->extras, NULL, err);
}

/* The token of the page after this one; "" when this was the last. */
static enum rc write_next_token(struct page_writer *page, const struct page_position *now, const char *kube_next,
				const char *scope, struct error *err)
{
	struct buf token cleanup_buf = buf_make(65536);
	struct page_position next = {
		.kube_token = (char *)(uintptr_t)(page->cut ? now->kube_token : kube_next),
		.after = page->last.len ? page->last.data : now->after,
	};
	enum rc rc = RC_OK;

	if (page->cut || kube_next[0] != '\0')
		rc = page_token_encode(&next, scope, &token, err);
	if (rc)
		return rc;
	json_end_array(&page->w);
	json_string(&page->w, "next_page_token", token.data);
	json_end_object(&page->w);
	return buf_check(page->w.out, err);
}

static enum rc read_page(struct page_writer *page, struct list_question *question, char **ret_next, struct error *err)
{
	struct page_position *position = &question->position;
	struct op_call *call = page->call;
	cleanup_free char *newer = NULL;
	struct kube_page kube = {
		.kind = LISTED_KIND,
		.namespace = call->env->config->namespace,
		.selector = question->selector.data,
		.limit = (int)question->max,
		.token = position->kube_token,
		.deadline_ms = call->deadline_ms,
		.on_item = take_item,
		.on_restart = begin_page,
		.ctx = page,
	};
	enum rc rc = kube_list_page(call->kube, &kube, ret_next, NULL, &newer, err);

	/* The token is older than what etcd still knows. Kubernetes offers to go on in the present; without that offer
	 * we begin anew, and skip what was delivered. */
	if (rc == RC_EXPIRED) {
		free(position->kube_token);
		position->kube_token = newer ? TAKE(newer) : str_dup("");
		if (!position->kube_token)
			return error_no_memory(err);
		kube.token = position->kube_token;
		begin_page(page);
		rc = kube_list_page(call->kube, &kube, ret_next, NULL, NULL, err);
	}
	if (rc == RC_INVALID_ARGUMENT && position->kube_token[0] != '\0')
		return page_token_refuse(err);
	if (rc)
		return op_kube_translate(call, &(struct kube_reply){ 0 }, "list Deployments", err);
	return RC_OK;
}

static enum rc write_page(struct page_writer *page, struct list_question *question, struct error *err)
{
	cleanup_free char *kube_next = NULL;
	enum rc rc;

	page->after = question->position.after;
	begin_page(page);
	rc = read_page(page, question, &kube_next, err);
	return rc ? rc : write_next_token(page, &question->position, kube_next, question->scope.data, err);
}

enum rc list_walk(struct op_call *call, struct list_question *question, struct buf *result, struct error *err)
{
	struct page_writer page = {
		.call = call,
		.extras = container_extras_make(),
		.w = json_writer_make(result),
		.start = result->len,
		.last = buf_make(1024),
	};
	struct container_cache cache cleanup_container_cache = { 0 };
	enum rc rc = container_cache_open(call, container_part_kinds(), NULL, &cache, err);

	page.cache = cache.cache;
	if (!rc)
		rc = write_page(&page, question, err);
	container_extras_clear(&page.extras);
	buf_clear(&page.last);
	return rc;
}
