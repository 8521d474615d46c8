#include <string.h>

#include "common/bus/bus_metrics.h"
#include "common/bus/bus_private.h"

/* ---- sending ---- */

/*
 * The size as counted by the server: "NATS/1.0", the headers, an empty line, and the data. cnats 3.4 checks only the
 * data.
 */
static size_t counted_size(const struct bus_outgoing *out)
{
	size_t size = out->len;

	if (out->header_count > 0)
		size += strlen("NATS/1.0\r\n\r\n");
	for (size_t i = 0; i < out->header_count; i++)
		size += strlen(out->headers[i].name) + strlen(": ") + strlen(out->headers[i].value) + strlen("\r\n");
	return size;
}

/* `link` is held. */
static enum rc publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	natsMsg *msg = NULL;
	natsStatus s;

	s = natsMsg_Create(&msg, out->subject, out->reply, out->data, (int)out->len);
	for (size_t i = 0; i < out->header_count; i++)
		BUS_CHAIN(s, natsMsgHeader_Set(msg, out->headers[i].name, out->headers[i].value));
	BUS_CHAIN(s, natsConnection_PublishMsg(bus->connection, msg));
	natsMsg_Destroy(msg);
	if (s != NATS_OK)
		return bus_fault(err, s, "publish");
	bus_metrics_sent(out->len);
	return RC_OK;
}

enum rc bus_publish(struct bus *bus, const struct bus_outgoing *out, struct error *err)
{
	size_t max = bus_max_payload(bus);
	enum rc rc;

	if (!bus_connected(bus))
		return error_set(err, RC_UNAVAILABLE, "publish: NATS is not connected");
	if (!bus_is_subject(out->subject) || (out->reply && !bus_is_subject(out->reply)))
		return error_set(err, RC_INVALID_ARGUMENT, "publish: invalid subject");
	if (counted_size(out) > max) /* the server would close the connection */
		return error_set(err, RC_TOO_LARGE, "publish: more than %zu bytes", max);
	pthread_rwlock_rdlock(&bus->link);
	rc = publish(bus, out, err);
	pthread_rwlock_unlock(&bus->link);
	return rc;
}

enum rc bus_flush(struct bus *bus, int64_t timeout_ms, struct error *err)
{
	natsStatus s;

	if (!bus_connected(bus))
		return error_set(err, RC_UNAVAILABLE, "flush: NATS is not connected");
	pthread_rwlock_rdlock(&bus->link);
	s = bus->connection ? natsConnection_FlushTimeout(bus->connection, timeout_ms) : NATS_CONNECTION_CLOSED;
	pthread_rwlock_unlock(&bus->link);
	return s == NATS_OK ? RC_OK : bus_fault(err, s, "flush");
}

/* ---- reading ---- */

const char *bus_message_subject(const struct bus_message *msg)
{
	return natsMsg_GetSubject((const natsMsg *)msg);
}

const char *bus_message_reply(const struct bus_message *msg)
{
	return natsMsg_GetReply((const natsMsg *)msg);
}

const char *bus_message_data(const struct bus_message *msg, size_t *ret_len)
{
	*ret_len = (size_t)natsMsg_GetDataLength((const natsMsg *)msg);
	return natsMsg_GetData((const natsMsg *)msg);
}

const char *bus_message_header(struct bus_message *msg, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get((natsMsg *)msg, name, &value) == NATS_OK ? value : NULL;
}

bool bus_message_is_no_responders(struct bus_message *msg)
{
	return natsMsg_IsNoResponders((natsMsg *)msg);
}

void bus_message_destroy(struct bus_message *msg)
{
	natsMsg_Destroy((natsMsg *)msg);
}

void cleanup_bus_message_at(struct bus_message **msg)
{
	bus_message_destroy(*msg);
}
