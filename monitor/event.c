#include "monitor/event.h"

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/protocol.h"
#include "common/services/cloudevent.h"

void event_write_source(const char *provider_name, char out[EVENT_SOURCE_MAX])
{
	struct buf source cleanup_buf = buf_make(EVENT_SOURCE_MAX - 1);

	buf_add_str(&source, "dcm/providers/");
	percent_encode(&source, provider_name);
	snprintf(out, EVENT_SOURCE_MAX, "%s", source.data);
}

void event_write_id(const struct event *event, char out[CRYPTO_UUID_MAX])
{
	crypto_format_uuid(event->id, 4, out);
}

void event_write(const struct event *event, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	char id[CRYPTO_UUID_MAX];
	char timestamp[CLOCK_RFC3339_MAX];
	const struct cloudevent envelope = {
		.id = id,
		.source = event->source,
		.type = resource_row(event->type)->event_type,
		.subject = resource_row(event->type)->event_subject,
		.time_ms = event->time_ms,
	};

	event_write_id(event, id);
	clock_format_rfc3339(event->time_ms, true, timestamp);
	cloudevent_begin(&w, &envelope);
	json_begin_object(&w, "data");
	json_string(&w, "id", event->instance_id);
	json_string(&w, "status", container_status_name(event->status));
	json_string(&w, "message", event->message);
	json_string(&w, "timestamp", timestamp);
	if (event->output && event->output->len)
		json_raw(&w, "output_spec", event->output->data, event->output->len);
	json_end_object(&w);
	cloudevent_end(&w);
}
