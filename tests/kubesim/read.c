/*
 * GET: one object, or a list of them in pages.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/params.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/table.h"

#define INCONSISTENT UINT64_MAX /* the version of a token that goes on with whatever is there now */

/* ---- one object -------------------------------------------------------------------------------------------------- */

void sim_read_one(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *object = NULL;
	uint64_t version = 0;

	if (!sim_param_version(rq, rs, &version) || !sim_params_wait_for(sim, rq, rs, version))
		return;
	object = sim_store_get(sim->store, t->kind, t->ns, t->name);
	if (!object) {
		sim_answer_not_found(rs, t->kind, t->name);
		return;
	}
	rs->status = 200;
	if (str_equal(t->subresource, "scale"))
		sim_scale_write(object, &rs->body);
	else if (sim_table_wanted(rq->accept))
		sim_table_write(&rs->body, t->kind, &object, 1, "{}");
	else
		rs->object = TAKE(object);
}

/* ---- continue tokens: hexadecimal of "VERSION KEY", opaque to clients ---------------------------------------------
 */

static void write_token(struct buf *out, uint64_t version, const char *key)
{
	struct buf plain cleanup_buf = buf_make(1024);

	if (version == INCONSISTENT)
		buf_addf(&plain, "-1 %s", key);
	else
		buf_addf(&plain, "%" PRIu64 " %s", version, key);
	buf_add_hex(out, plain.data, plain.len);
}

static bool read_token(const char *token, uint64_t *ret_version, char *key, size_t key_size)
{
	struct buf plain cleanup_buf = buf_make(2048);
	const char *space;
	char *end = NULL;

	if (strlen(token) % 2 || token[strspn(token, "0123456789abcdef")] != '\0')
		return false;
	for (; *token; token += 2) {
		char digits[3] = { token[0], token[1], '\0' };

		buf_add_char(&plain, (char)strtoul(digits, NULL, 16));
	}
	space = strchr(plain.data, ' ');
	if (!space || (size_t)snprintf(key, key_size, "%s", space + 1) >= key_size)
		return false;
	*ret_version = strtoull(plain.data, &end, 10);
	return end == space && end != plain.data;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* A list request as it was understood. */
struct list_request {
	struct sim_list_query query;
	char after[640];
	bool continued;
	bool selects;
};

static void answer_expired(struct sim_response *rs, const struct list_request *lr)
{
	struct buf token cleanup_buf = buf_make(2048);
	struct sim_details details = { 0 };

	if (!lr->continued) {
		sim_answer_status(rs, 410, "Expired", NULL, "The resourceVersion for the provided list is too old.");
		return;
	}
	write_token(&token, INCONSISTENT, lr->after);
	details.continue_token = token.data;
	sim_answer_status(rs, 410, "Expired", &details,
			  "The provided continue parameter is too old to display a consistent list result. You can "
			  "start a new list without the continue parameter, or use the continue token in this response "
			  "to retrieve the remainder of the results. Continuing with the provided token results in an "
			  "inconsistent list - objects that were created, modified, or deleted between the time the "
			  "first chunk was returned and now may show up in the list.");
}

/* limit and continue. */
static bool read_paging(const struct sim_request *rq, struct sim_response *rs, struct list_request *lr)
{
	const char *token = sim_request_query(rq, "continue");
	const char *version = sim_request_query(rq, "resourceVersion");
	int64_t limit = 0;

	if (!sim_param_int(rq, rs, "limit", &limit))
		return false;
	lr->query.limit = limit > 0 ? (size_t)limit : 0;
	if (!token || !*token)
		return true;
	if (version && *version && !str_equal(version, "0")) {
		sim_answer_bad_request(rs, "specifying resource version is not allowed when using continue");
		return false;
	}
	if (!read_token(token, &lr->query.version, lr->after, sizeof(lr->after))) {
		sim_answer_bad_request(rs, "invalid continue token: continue key is not valid: encoding/hex: "
					   "malformed token");
		return false;
	}
	if (lr->query.version == INCONSISTENT)
		lr->query.version = 0;
	lr->query.after = lr->after;
	lr->continued = true;
	return true;
}

/* resourceVersion and resourceVersionMatch. */
static bool read_version(struct sim *sim, const struct sim_request *rq, struct sim_response *rs,
			 struct list_request *lr)
{
	const char *text = sim_request_query(rq, "resourceVersion");
	const char *match = sim_request_query(rq, "resourceVersionMatch");
	uint64_t version = 0;

	if (lr->continued)
		return true;
	if (!sim_params_check_match(rq, rs, false) || !sim_param_version(rq, rs, &version) ||
	    !sim_params_wait_for(sim, rq, rs, version))
		return false;
	if (str_equal(text, "0"))
		lr->query.limit = 0; /* answered from memory, which has no pages */
	else if (version && (str_equal(match, "Exact") || (lr->query.limit && !(match && *match))))
		lr->query.version = version;
	return true;
}

static void write_metadata(const struct list_request *lr, const struct sim_list *list, struct buf *out)
{
	struct buf token cleanup_buf = buf_make(2048);
	struct json_writer w = json_writer_make(out);
	char text[32];

	json_begin_object(&w, NULL);
	snprintf(text, sizeof(text), "%" PRIu64, list->version);
	json_string(&w, "resourceVersion", text);
	if (list->more) {
		write_token(&token, list->version, list->objects[list->count - 1]->key);
		json_string(&w, "continue", token.data);
		if (!lr->selects)
			json_int(&w, "remainingItemCount", (int64_t)list->remaining);
	}
	json_end_object(&w);
}

static void write_list(const struct sim_kind *kind, const struct sim_list *list, const char *metadata, struct buf *out)
{
	buf_addf(out, "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\",\"metadata\":%s,\"items\":[", kind->kind,
		 kind->group, kind->group[0] ? "/" : "", kind->version, metadata);
	for (size_t i = 0; i < list->count; i++) {
		const struct sim_object *o = list->objects[i];

		buf_add_str(out, i ? ",{" : "{");
		buf_add(out, o->text + o->item_offset, o->text_len - o->item_offset);
	}
	buf_add_str(out, "]}");
}

static void answer_list(const struct sim_kind *kind, const struct list_request *lr, const struct sim_list *list,
			const struct sim_request *rq, struct sim_response *rs)
{
	struct buf metadata cleanup_buf = buf_make(4096);

	rs->status = 200;
	write_metadata(lr, list, &metadata);
	if (sim_table_wanted(rq->accept))
		sim_table_write(&rs->body, kind, list->objects, list->count, metadata.data);
	else
		write_list(kind, list, metadata.data, &rs->body);
}

void sim_read_list(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	struct list_request lr = { .query = { .kind = t->kind, .ns = t->ns } };
	struct sim_selector *selector = NULL;
	struct sim_list list = { 0 };
	enum rc rc;

	if (!sim_param_int(rq, rs, "timeoutSeconds", NULL) || !read_paging(rq, rs, &lr) ||
	    !read_version(sim, rq, rs, &lr) || !sim_params_selector(rq, rs, t->kind, &selector))
		return;
	lr.query.selector = selector;
	lr.selects = selector != NULL;
	rc = sim_store_list(sim->store, &lr.query, &list);
	if (rc == RC_EXPIRED) {
		answer_expired(rs, &lr);
	} else if (rc) {
		sim_answer_internal(rs, "out of memory");
	} else {
		answer_list(t->kind, &lr, &list, rq, rs);
	}
	sim_list_clear(&list);
	sim_selector_destroy(selector);
}
