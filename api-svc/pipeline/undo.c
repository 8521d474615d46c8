#include "api-svc/pipeline/undo.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/services/json_write.h"
#include "common/services/log.h"

#define UNDO_TIMEOUT_MS (5 * 60 * 1000)
#define UNDO_MAX 16384 /* concurrent undos; more are only logged */
#define BODY_MAX 1024

/* The context for the final log line. */
struct undoing {
	char id[PROTOCOL_ID_MAX + 1];
	char request_id[PROTOCOL_REQUEST_ID_MAX + 1];
};

static void on_done(void *ctx, uint64_t cookie unused, struct worker_reply *reply)
{
	struct undoing *u = ctx;

	if (reply->error.rc == RC_OK)
		log_info("a create was undone", log_str("id", u->id), log_str("request_id", u->request_id));
	else
		log_error("a create could not be undone; the sweeper will remove it", log_str("id", u->id),
			  log_err(&reply->error), log_str("request_id", u->request_id));
	free(u);
}

static enum rc ask(struct worker_client *client, const struct undo_what *what, struct error *err)
{
	struct undoing *u = calloc(1, sizeof(*u));
	struct buf body cleanup_buf = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	struct worker_ask ask = {
		.operation = OPERATION_UNDO,
		.request_id = what->request_id,
		.timeout_ms = UNDO_TIMEOUT_MS,
		.done = on_done,
		.ctx = u,
	};
	enum rc rc;

	if (!u)
		return error_no_memory(err);
	snprintf(u->id, sizeof(u->id), "%s", what->id);
	snprintf(u->request_id, sizeof(u->request_id), "%s", what->request_id);
	json_begin_object(&w, NULL);
	json_string(&w, "id", what->id);
	json_string(&w, "token", what->token);
	if (what->sequence)
		json_int(&w, "sequence", (int64_t)what->sequence);
	json_end_object(&w);
	rc = buf_check(&body, err);
	ask.body = body.data;
	ask.len = body.len;
	if (!rc)
		rc = worker_client_ask(client, &ask, err);
	if (rc)
		free(u);
	return rc;
}

void undo_begin(struct worker_client *client, const struct undo_what *what)
{
	struct error err = { .rc = RC_OK };
	enum rc rc;

	if (worker_client_open(client, OPERATION_UNDO) >= UNDO_MAX)
		rc = error_set(&err, RC_BUSY, "too many creates are being undone");
	else
		rc = ask(client, what, &err);
	if (rc)
		log_error("a create cannot be undone; the sweeper will remove it", log_str("id", what->id),
			  log_err(&err), log_str("request_id", what->request_id));
}
