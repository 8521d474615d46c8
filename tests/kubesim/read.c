/*
 * GET: one object, or a list of them in pages.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/scale.h"
#include "tests/kubesim/selector.h"
#include "tests/kubesim/status.h"
#include "tests/kubesim/table.h"

#define METADATA_MAX ((size_t)4096) /* bytes */

void sim_read_one(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *object = sim_store_get(sim->store, t->kind, t->ns, t->name);

	rs->status = 200;
	if (!object)
		sim_answer_not_found(rs, t->kind, t->name);
	else if (str_equal(t->subresource, "scale"))
		sim_scale_write(object, &rs->body);
	else if (sim_table_wanted(rq->accept))
		sim_table_write(&rs->body, t->kind, &object, 1, "{}");
	else
		sim_answer_object(rs, 200, object);
}

/*
 * Continue tokens are "VERSION/KEY": the version of the first page, at which all pages are listed, and the last key of
 * the previous page. A version of 0 continues with the current objects.
 */
static enum rc read_token(const char *token, struct sim_list_query *query, struct error *err)
{
	char *end = NULL;

	if (!token || !*token)
		return RC_OK;
	query->at = strtoull(token, &end, 10);
	query->after = end + 1;
	return end != token && *end == '/' ? RC_OK : error_set(err, RC_INVALID_ARGUMENT, "invalid continue token");
}

static void answer_expired(const struct sim_list_query *query, struct sim_response *rs)
{
	struct buf token cleanup_buf = buf_make(METADATA_MAX);
	struct sim_status status = { .code = 410, .reason = "Expired" };

	if (!query->after) {
		sim_answer_status(rs, &status, "The resourceVersion for the provided list is too old.");
		return;
	}
	buf_addf(&token, "0/%s", query->after);
	status.continue_token = token.data;
	sim_answer_status(rs, &status,
			  "The provided continue parameter is too old to display a consistent list result. You can "
			  "start a new list without the continue parameter, or use the continue token in this response "
			  "to retrieve the remainder of the results. Continuing with the provided token results in an "
			  "inconsistent list - objects that were created, modified, or deleted between the time the "
			  "first chunk was returned and now may show up in the list.");
}

static void write_metadata(const struct sim_list *list, struct buf *out)
{
	buf_addf(out, "{\"resourceVersion\":\"%" PRIu64 "\"", list->version);
	if (list->more)
		buf_addf(out, ",\"continue\":\"%" PRIu64 "/%s\"", list->version, list->objects[list->count - 1]->key);
	buf_add_char(out, '}');
}

static void write_list(const struct sim_kind *kind, const struct sim_list *list, const char *metadata, struct buf *out)
{
	buf_addf(out, "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":%s,\"items\":[", kind->kind,
		 kind->api_version, metadata);
	for (size_t i = 0; i < list->count; i++) {
		buf_add_str(out, i ? "," : "");
		sim_object_write(list->objects[i], list->objects[i]->version, true, out);
	}
	buf_add_str(out, "]}");
}

static void answer_list(const struct sim_kind *kind, const struct sim_list *list, const struct sim_request *rq,
			struct sim_response *rs)
{
	struct buf metadata cleanup_buf = buf_make(METADATA_MAX);

	rs->status = 200;
	write_metadata(list, &metadata);
	if (sim_table_wanted(rq->accept))
		sim_table_write(&rs->body, kind, list->objects, list->count, metadata.data);
	else
		write_list(kind, list, metadata.data, &rs->body);
}

/*
 * The minimum version of the list, or with a match the exact one: any existing version; not allowed together with a
 * page token.
 */
static enum rc read_version(struct sim *sim, const struct sim_request *rq, struct sim_list_query *query,
			    struct error *err)
{
	const char *token = sim_request_query(rq, "continue");
	const char *match = sim_request_query(rq, "resourceVersionMatch");
	int64_t version = 0;
	enum rc rc = sim_request_int(rq, "resourceVersion", &version, err);

	if (rc)
		return rc;
	if (version && token && *token)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "specifying resource version is not allowed when using continue");
	if ((uint64_t)version > sim_store_version(sim->store))
		return error_set(err, RC_UNSUPPORTED, "versions of the future");
	if (match && (!version || !str_equal(match, "Exact")))
		return error_set(err, RC_UNSUPPORTED, "a match other than that of exactly a version");
	if (match)
		query->at = (uint64_t)version;
	return RC_OK;
}

/* A limit below 1 means no limit. */
static enum rc read_limit(const struct sim_request *rq, struct sim_list_query *query, struct error *err)
{
	const char *text = sim_request_query(rq, "limit");
	int64_t limit = 0;

	if (text && *text && !str_parse_int64(text, &limit))
		return error_set(err, RC_INVALID_ARGUMENT, "limit: '%.50s' is no number", text);
	query->limit = limit > 0 ? (size_t)limit : 0;
	return RC_OK;
}

void sim_read_list(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	struct sim_list_query query = { .kind = t->kind, .ns = t->ns };
	struct sim_selector selector;
	struct sim_list list = { 0 };
	struct error err;
	enum rc rc;

	if (read_token(sim_request_query(rq, "continue"), &query, &err) || read_version(sim, rq, &query, &err) ||
	    read_limit(rq, &query, &err) || sim_selector_of(rq, t->kind, &selector, &err)) {
		sim_answer_unreadable(rs, &err);
		return;
	}
	query.selector = &selector;
	rc = sim_store_list(sim->store, &query, &list);
	if (rc == RC_EXPIRED)
		answer_expired(&query, rs);
	else if (rc)
		sim_answer_internal(rs, "out of memory");
	else
		answer_list(t->kind, &list, rq, rs);
	sim_list_clear(&list);
}
