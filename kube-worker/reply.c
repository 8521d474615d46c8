#include "kube-worker/reply.h"

#include <string.h>

#include "common/protocol.h"
#include "common/services/json_write.h"

#define HEADERS_BYTES 1024 /* of a part; they count as payload */
#define ERROR_BODY_MAX 131072
#define SERVICE_ERROR_CODE "500" /* ADR-32 wants a number; the code with a meaning is in PROTOCOL_HEADER_STATUS */

static enum rc send_part(struct bus *bus, const char *subject, enum rc status, const char *part, const char *data,
			 size_t len, struct error *err)
{
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, rc_name(status) },
		{ PROTOCOL_HEADER_PART, part },
		{ "Nats-Service-Error", rc_name(status) },
		{ "Nats-Service-Error-Code", SERVICE_ERROR_CODE },
	};
	const struct bus_outgoing out = {
		.subject = subject,
		.headers = headers,
		.header_count = status == RC_OK ? 3 : ARRAY_LEN(headers),
		.data = data,
		.len = len,
	};

	return bus_publish(bus, &out, err);
}

static enum rc send_whole(struct bus *bus, const struct bus_message *request, enum rc status, const struct buf *body,
			  struct error *err)
{
	const char *subject = bus_message_reply(request);
	size_t payload = bus_max_payload(bus);
	size_t max = payload > 2 * HEADERS_BYTES ? payload - HEADERS_BYTES : payload / 2;
	size_t parts = body->len ? (body->len + max - 1) / max : 1;
	char part[48];

	for (size_t i = 0; subject && i < parts; i++) {
		size_t len = i + 1 < parts ? max : body->len - i * max;
		enum rc rc;

		snprintf(part, sizeof(part), "%zu/%zu", i + 1, parts);
		rc = send_part(bus, subject, status, part, body->data + i * max, len, err);
		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc reply_result(struct bus *bus, const struct bus_message *request, const struct buf *body, struct error *err)
{
	return send_whole(bus, request, RC_OK, body, err);
}

enum rc reply_error(struct bus *bus, const struct bus_message *request, const struct error *why,
		    const struct op_call *call, struct error *err)
{
	struct buf body cleanup_buf = buf_make(ERROR_BODY_MAX);
	struct json_writer w = json_writer_make(&body);

	json_begin_object(&w, NULL);
	json_string(&w, "detail", why->text);
	if (why->retry_after_s)
		json_int(&w, "retry_after_s", why->retry_after_s);
	if (call && call->faults.len) {
		json_begin_array(&w, "errors");
		json_raw(&w, NULL, call->faults.data, call->faults.len);
		json_end_array(&w);
	}
	if (call && call->unsettled)
		json_bool(&w, "unsettled", true);
	json_end_object(&w);
	if (body.failed)
		buf_reset(&body); /* the code alone still says what to do */
	return send_whole(bus, request, why->rc, &body, err);
}

enum rc reply_working(struct bus *bus, const char *subject, struct error *err)
{
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_WORKING },
	};
	const struct bus_outgoing out = { .subject = subject, .headers = headers, .header_count = ARRAY_LEN(headers) };

	return bus_publish(bus, &out, err);
}
