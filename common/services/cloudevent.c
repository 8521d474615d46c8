#include "common/services/cloudevent.h"

#include "common/base/clock.h"

void cloudevent_begin(struct json_writer *w, const struct cloudevent *event)
{
	char time[CLOCK_RFC3339_MAX];

	clock_format_rfc3339(event->time_ms, true, time);
	json_begin_object(w, NULL);
	json_string(w, "specversion", "1.0");
	json_string(w, "id", event->id);
	json_string(w, "source", event->source);
	json_string(w, "type", event->type);
	json_optional_string(w, "subject", event->subject);
	json_string(w, "time", time);
	json_string(w, "datacontenttype", "application/json");
}

void cloudevent_end(struct json_writer *w)
{
	json_end_object(w);
}
