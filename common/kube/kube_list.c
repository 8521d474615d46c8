#include "common/kube/kube_list.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"

#define PAGE_TIMEOUT_MS 50000 /* of one page: detects an unresponsive API server within a minute */

/* The context of one call: bytes, restarts and cancellation. */
struct run {
	struct kube_list_parser list;
	const struct kube_page *page;
	size_t bytes; /* remaining limit */
};

static bool feed(void *ctx, const char *bytes, size_t len)
{
	struct run *run = ctx;

	if (len > run->bytes) {
		run->list.failed = error_set(&run->list.error, RC_UNAVAILABLE, "the list exceeds %u MiB",
					     KUBE_LIST_MAX / 1024 / 1024);
		return false;
	}
	run->bytes -= len;
	return kube_list_parser_feed(&run->list, bytes, len);
}

static void restart(void *ctx)
{
	struct run *run = ctx;

	kube_list_parser_restart(&run->list);
	if (run->page->on_restart)
		run->page->on_restart(run->page->ctx);
}

static bool cancelled(void *ctx)
{
	struct run *run = ctx;

	return run->page->cancelled && run->page->cancelled(run->page->ctx);
}

static void build_path(const struct kube_page *page, struct buf *path)
{
	char limit[16];

	snprintf(limit, sizeof(limit), "%d", page->limit);
	kube_path_add(path, page->kind, page->namespace, NULL);
	kube_path_add_query(path, "labelSelector", page->selector);
	kube_path_add_query(path, "limit", limit);
	if (page->token && page->token[0])
		kube_path_add_query(path, "continue", page->token);
	if (page->version) {
		kube_path_add_query(path, "resourceVersion", page->version);
		kube_path_add_query(path, "resourceVersionMatch", "Exact");
	}
}

/* bytes remaining limit; reduced by the received bytes. */
static enum rc read_page(struct kube_client *client, const struct kube_page *page, size_t *bytes, char **ret_token,
			 char **ret_version, char **ret_newer_token, struct error *err)
{
	struct buf path cleanup_buf = buf_make(KUBE_PATH_MAX);
	struct kube_reply reply cleanup_kube_reply = { 0 };
	struct run run = { .list = kube_list_parser_make(page->on_item, page->ctx), .page = page, .bytes = *bytes };
	struct kube_request request = {
		.method = "GET",
		.deadline_ms = page->deadline_ms,
		.on_bytes = feed,
		.on_restart = restart,
		.cancelled = cancelled,
		.ctx = &run,
		.once = page->once,
	};
	enum rc rc;

	build_path(page, &path);
	rc = buf_check(&path, err);
	if (rc)
		return rc;
	request.path = path.data;
	rc = kube_client_do(client, &request, &reply, err);
	if (!rc || run.list.failed)
		rc = kube_list_parser_finish(&run.list, ret_token, ret_version, err);
	else if (rc == RC_EXPIRED && ret_newer_token)
		*ret_newer_token = str_dup(json_string_at(reply.object, "metadata.continue"));
	kube_list_parser_clear(&run.list);
	*bytes = run.bytes;
	return rc;
}

enum rc kube_list_page(struct kube_client *client, const struct kube_page *page, char **ret_token, char **ret_version,
		       char **ret_newer_token, struct error *err)
{
	size_t bytes = KUBE_LIST_MAX;

	return read_page(client, page, &bytes, ret_token, ret_version, ret_newer_token, err);
}

enum rc kube_list_all(struct kube_client *client, const struct kube_page *page, char **ret_version, struct error *err)
{
	struct kube_page next = *page;
	cleanup_free char *token = NULL;
	cleanup_free char *version = NULL;
	size_t bytes = KUBE_LIST_MAX;

	do {
		int64_t page_deadline_ms = clock_mono_ms() + PAGE_TIMEOUT_MS;
		char *next_token = NULL;
		char *next_version = NULL;
		enum rc rc;

		next.token = token;
		next.deadline_ms = page->deadline_ms < page_deadline_ms ? page->deadline_ms : page_deadline_ms;
		rc = read_page(client, &next, &bytes, &next_token, &next_version, NULL, err);
		if (rc)
			return rc;
		free(token);
		free(version);
		token = next_token;
		version = next_version;
	} while (token[0] != '\0');
	if (ret_version)
		*ret_version = TAKE(version);
	return RC_OK;
}
