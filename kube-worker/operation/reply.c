#include "kube-worker/operation/reply.h"

#include <string.h>

#include "common/protocol.h"
#include "common/services/json_write.h"

#define HEADERS_BYTES 2048 /* per part; they count as payload */
#define HEADERS_MAX 6
#define ERROR_BODY_MAX 131072
#define SERVICE_ERROR_CODE "500" /* required by ADR-32; the error code is in PROTOCOL_HEADER_STATUS */

struct whole {
	const char *subject;
	enum rc status;
	const struct buf *body;
	const struct reply_extras *extras; /* NULL: none */
};

/* Headers of a successful reply. */
static void add_extras(const struct reply_extras *extras, struct bus_outgoing *out, struct bus_header *headers)
{
	if (extras->etag[0])
		headers[out->header_count++] = (struct bus_header){ PROTOCOL_HEADER_ETAG, extras->etag };
	if (!extras->debt[0])
		return;
	headers[out->header_count++] = (struct bus_header){ PROTOCOL_HEADER_DEBT, extras->debt };
	headers[out->header_count++] = (struct bus_header){ PROTOCOL_HEADER_SETTLE, extras->settle };
	out->reply = extras->notice;
}

static enum rc send_part(struct bus *bus, const struct whole *whole, const char *part, const char *data, size_t len,
			 struct error *err)
{
	struct bus_header headers[HEADERS_MAX] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, rc_name(whole->status) },
		{ PROTOCOL_HEADER_PART, part },
	};
	struct bus_outgoing out = {
		.subject = whole->subject,
		.headers = headers,
		.header_count = 3,
		.data = data,
		.len = len,
	};

	if (whole->status != RC_OK) {
		headers[out.header_count++] = (struct bus_header){ "Nats-Service-Error", rc_name(whole->status) };
		headers[out.header_count++] = (struct bus_header){ "Nats-Service-Error-Code", SERVICE_ERROR_CODE };
	} else if (whole->extras) {
		add_extras(whole->extras, &out, headers);
	}
	return bus_publish(bus, &out, err);
}

static enum rc send_whole(struct bus *bus, const struct whole *whole, struct error *err)
{
	const struct buf *body = whole->body;
	size_t payload = bus_max_payload(bus);
	size_t max = payload > 2 * HEADERS_BYTES ? payload - HEADERS_BYTES : payload / 2;
	size_t parts = body->len ? (body->len + max - 1) / max : 1;
	char part[48];

	for (size_t i = 0; whole->subject && i < parts; i++) {
		size_t len = i + 1 < parts ? max : body->len - i * max;
		enum rc rc;

		snprintf(part, sizeof(part), "%zu/%zu", i + 1, parts);
		rc = send_part(bus, whole, part, body->data + i * max, len, err);
		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc reply_result(struct bus *bus, const struct bus_message *request, const struct buf *body,
		     const struct reply_extras *extras, struct error *err)
{
	struct whole whole = { bus_message_reply(request), RC_OK, body, extras };

	return send_whole(bus, &whole, err);
}

enum rc reply_error(struct bus *bus, const struct bus_message *request, const struct error *why,
		    const struct buf *faults, struct error *err)
{
	struct buf body cleanup_buf = buf_make(ERROR_BODY_MAX);
	struct json_writer w = json_writer_make(&body);

	json_begin_object(&w, NULL);
	json_string(&w, "detail", why->text);
	if (why->retry_after_s)
		json_int(&w, "retry_after_s", why->retry_after_s);
	if (faults && faults->len) {
		json_begin_array(&w, "errors");
		json_raw(&w, NULL, faults->data, faults->len);
		json_end_array(&w);
	}
	json_end_object(&w);
	if (body.failed)
		buf_reset(&body); /* the code alone is sufficient */
	return send_whole(bus, &(struct whole){ bus_message_reply(request), why->rc, &body, NULL }, err);
}

enum rc reply_stream(struct bus *bus, const struct bus_message *request, const char *address, const char *content_type,
		     const char *protocol, struct error *err)
{
	struct buf body cleanup_buf = buf_make(ERROR_BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_STREAM },
		{ PROTOCOL_HEADER_STREAM, address },
	};
	struct bus_outgoing out = {
		.subject = bus_message_reply(request),
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
	};
	enum rc rc;

	json_begin_object(&w, NULL);
	json_optional_string(&w, "content_type", content_type);
	json_optional_string(&w, "protocol", protocol);
	json_end_object(&w);
	rc = buf_check(&body, err);
	if (rc)
		return rc;
	out.data = body.data;
	out.len = body.len;
	return bus_publish(bus, &out, err);
}

enum rc reply_working(struct bus *bus, const char *subject, bool waits, struct error *err)
{
	const struct bus_header headers[] = {
		{ PROTOCOL_HEADER_VERSION, PROTOCOL_VERSION },
		{ PROTOCOL_HEADER_STATUS, PROTOCOL_STATUS_WORKING },
		{ PROTOCOL_HEADER_WAIT, "1" },
	};
	const struct bus_outgoing out = {
		.subject = subject,
		.headers = headers,
		.header_count = ARRAY_LEN(headers) - (waits ? 0 : 1),
	};

	return bus_publish(bus, &out, err);
}
