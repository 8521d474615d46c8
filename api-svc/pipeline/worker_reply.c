#include "api-svc/pipeline/worker_reply.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory_budget.h"
#include "common/base/strutil.h"

#define PARTS_MAX 4096 /* of one reply: 64 MiB in parts of 16 KiB */

void worker_join_clear(struct worker_join *join)
{
	buf_clear(&join->data);
	memory_budget_give(join->held);
	*join = (struct worker_join){ .next = 0 };
}

/* "2/5" */
static bool read_part(const char *text, unsigned *ret_index, unsigned *ret_total)
{
	char index_text[16];
	const char *slash = strchr(text, '/');
	int64_t index;
	int64_t total;

	if (!slash || (size_t)(slash - text) >= sizeof(index_text))
		return false;
	memcpy(index_text, text, (size_t)(slash - text));
	index_text[slash - text] = '\0';
	if (!str_parse_int64(index_text, &index) || !str_parse_int64(slash + 1, &total) || index < 1 || index > total ||
	    total > PARTS_MAX)
		return false;
	*ret_index = (unsigned)index;
	*ret_total = (unsigned)total;
	return true;
}

/* Reserve a part. Only a reply in several parts occupies memory while it waits, and is worth dropping. */
static bool hold(struct worker_join *join, size_t len, bool may_drop)
{
	if (!may_drop || join->total == 1)
		memory_budget_add(len);
	else if (!memory_budget_take(len))
		return false;
	join->held += len;
	return true;
}

enum worker_join_result worker_join_add(struct worker_join *join, const struct worker_message *msg, bool may_drop)
{
	unsigned index;
	unsigned total;

	if (!msg->part)
		return WORKER_JOIN_DONE;
	if (!read_part(msg->part, &index, &total))
		return WORKER_JOIN_MALFORMED;
	if (index == 1) {
		worker_join_clear(join);
		join->data = buf_make(PROTOCOL_REPLY_MAX);
		join->attempt = msg->attempt;
		join->next = 1;
		join->total = total;
	}
	if (join->next != index || join->attempt != msg->attempt || join->total != total)
		return WORKER_JOIN_STRAY;
	if (!hold(join, msg->len, may_drop)) {
		worker_join_clear(join);
		return WORKER_JOIN_NO_ROOM;
	}
	buf_add(&join->data, msg->data, msg->len);
	if (join->data.failed)
		return WORKER_JOIN_MALFORMED;
	join->next++;
	return index == total ? WORKER_JOIN_DONE : WORKER_JOIN_MORE;
}

void worker_reply_clear(struct worker_reply *reply)
{
	free(reply->body);
	free(reply->stream);
	cJSON_Delete(reply->faults);
	worker_debt_unref(reply->debt);
	*reply = (struct worker_reply){ .body = NULL };
}

/* [{"detail": text, "pointer": text?}, ...]: shown to clients. */
static bool are_faults(const cJSON *faults)
{
	const cJSON *fault = NULL;

	cJSON_ArrayForEach (fault, faults) {
		const cJSON *pointer = json_get(fault, "pointer");

		if (!json_string_at(fault, "detail") || (pointer && !cJSON_IsString(pointer)))
			return false;
	}
	return cJSON_IsArray(faults);
}

/* Parse code, detail and faults of an error. */
static bool read_error(enum rc rc, const char *body, size_t len, struct worker_reply *reply)
{
	cleanup_json cJSON *tree = NULL;
	const char *detail;
	int64_t retry_after_s;

	if (json_parse(body, len, &tree, NULL) != RC_OK || !cJSON_IsObject(tree))
		return false;
	detail = json_string_at(tree, "detail");
	error_set(&reply->error, rc, "%s", detail && detail[0] ? detail : "the worker sent no reason");
	retry_after_s = json_int_at(tree, "retry_after_s", 0);
	if (retry_after_s > 0)
		reply->error.retry_after_s = retry_after_s < 3600 ? (int)retry_after_s : 3600;
	reply->outcome_unknown = json_true_at(tree, "unsettled");
	if (json_get(tree, "errors") && !are_faults(json_get(tree, "errors")))
		return false;
	if (json_get(tree, "errors"))
		reply->faults = cJSON_DetachItemFromObjectCaseSensitive(tree, "errors");
	return true;
}

/* A stream has its own status. */
static enum rc read_status(enum operation operation, const char *status)
{
	bool streams = operation_row(operation)->reply == OPERATION_REPLY_STREAM;
	bool begins = str_equal(status, PROTOCOL_STATUS_STREAM);
	enum rc rc = status && !begins ? rc_from_name(status) : RC_OK;

	return rc == RC_OK && (!status || streams != begins) ? RC_INTERNAL : rc;
}

bool worker_reply_read(enum operation operation, const char *status, char *body, size_t len,
		       struct worker_reply *ret_reply)
{
	enum rc rc = read_status(operation, status);
	bool good = status && body;

	*ret_reply = (struct worker_reply){ .body = NULL };
	if (good && rc == RC_OK)
		good = operation_row(operation)->reply == OPERATION_REPLY_NOTHING ||
		       (len > 1 && body[0] == '{' && body[len - 1] == '}');
	else if (good)
		good = read_error(rc, body, len, ret_reply);
	if (good && rc == RC_OK) {
		ret_reply->body = body;
		ret_reply->len = len;
		return true;
	}
	free(body);
	if (good)
		return true;
	worker_reply_clear(ret_reply);
	error_set(&ret_reply->error, RC_INTERNAL, "the worker's reply to '%s' is malformed", operation_name(operation));
	return false;
}

bool worker_reply_set_etag(struct worker_reply *reply, const char *etag)
{
	if (etag && !protocol_is_etag(etag)) {
		worker_reply_clear(reply);
		error_set(&reply->error, RC_INTERNAL, "the etag of the worker's reply is malformed");
		return false;
	}
	snprintf(reply->etag, sizeof(reply->etag), "%s", etag ? etag : "");
	return true;
}
