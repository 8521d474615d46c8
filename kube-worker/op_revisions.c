/*
 * revisions: the revisions of the container, newest first.
 */
#include "kube-worker/operation/op.h"

#include <inttypes.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "kube-worker/change/revisions.h"
#include "kube-worker/container/container_find.h"
#include "kube-worker/list/page_token.h"

#define SCOPE_MAX 1024
#define PAGE_TOKEN_MAX 512

/* Bound to the root: a later container with the same id has other revisions. */
static void write_scope(const struct op_call *call, const struct root *root, struct buf *scope)
{
	buf_addf(scope, "%s\n%s\nrevisions\n%s", call->env->provider, call->env->namespace, root_uid(root));
}

/* The position of a page is the last revision number of the previous page. */
static enum rc read_token(const char *token, const char *scope, int64_t *ret_before, struct error *err)
{
	struct page_position position cleanup_page_position = { 0 };
	enum rc rc = page_token_decode(token, scope, &position, err);

	*ret_before = INT64_MAX;
	if (rc || !position.after[0])
		return rc;
	return str_parse_int64(position.after, ret_before) && *ret_before >= 1 ? RC_OK : page_token_refuse(err);
}

static enum rc write_token(int64_t number, const char *scope, struct buf *out, struct error *err)
{
	char after[24];

	snprintf(after, sizeof(after), "%" PRId64, number);
	return page_token_encode(&(struct page_position){ .kube_token = (char *)(uintptr_t) "", .after = after }, scope,
				 out, err);
}

static enum rc write_page(const struct op_call *call, const cJSON *request, const struct root *root,
			  const struct revisions *revisions, struct buf *result, struct error *err)
{
	struct json_writer w = json_writer_make(result);
	int64_t size = json_int_at(request, "max_page_size", PROTOCOL_PAGE_SIZE_DEFAULT);
	struct buf scope cleanup_buf = buf_make(SCOPE_MAX);
	struct buf next cleanup_buf = buf_make(PAGE_TOKEN_MAX);
	int64_t before = 0;
	int64_t written = 0;
	enum rc rc;

	write_scope(call, root, &scope);
	rc = buf_check(&scope, err);
	if (!rc)
		rc = read_token(json_string_at(request, "page_token"), scope.data, &before, err);

	json_begin_object(&w, NULL);
	json_begin_array(&w, "revisions");
	for (size_t i = 0; !rc && i < revisions->count && i < REVISIONS_SHOWN_MAX; i++) {
		if (revisions->items[i].number >= before)
			continue;
		if (written++ == size) {
			rc = write_token(revisions->items[i - 1].number, scope.data, &next, err);
			break;
		}
		rc = revision_write(&w, json_string_at(request, "id"), root, &revisions->items[i], err);
	}
	json_end_array(&w);
	json_string(&w, "next_page_token", next.data);
	json_end_object(&w);
	return rc ? rc : buf_check(result, err);
}

static enum rc run(struct op_call *call, const cJSON *request, struct buf *result, struct error *err)
{
	struct root root cleanup_root = { 0 };
	struct revisions revisions cleanup_revisions = { 0 };
	const char *id = json_string_at(request, "id");
	enum rc rc = container_find(call, id, &root, err);

	if (!rc)
		rc = revisions_read(call, &root, id, &revisions, err);
	return rc ? rc : write_page(call, request, &root, &revisions, result, err);
}

static const struct request_member members[] = {
	REQUEST_MEMBER_ID,
	{ .name = "max_page_size",
	  .type = request_member_is_int,
	  .form = "a whole number from 1 to 1000",
	  .min = 1,
	  .max = PROTOCOL_PAGE_SIZE_MAX },
	{ .name = "page_token", .required = true, .type = request_member_is_text, .form = "a text" },
};

const struct op op_revisions = { .run = run, .members = members, .member_count = ARRAY_LEN(members) };
