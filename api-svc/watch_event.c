#include "api-svc/watch_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/strutil.h"

#define ID_MAX 48 /* bytes with the NUL */

/* ---- ids --------------------------------------------------------------------------------------------------------- */

static void format_id(const struct watch_id *id, char out[ID_MAX])
{
	snprintf(out, ID_MAX, "%016" PRIx64 "-%" PRIx64 "-%08" PRIx32, id->list, id->number, id->filter);
}

bool watch_id_read(const char *text, struct watch_id *ret_id)
{
	struct watch_id id;
	char again[ID_MAX];

	if (sscanf(text, "%16" SCNx64 "-%16" SCNx64 "-%8" SCNx32, &id.list, &id.number, &id.filter) != 3)
		return false;
	format_id(&id, again); /* sscanf() accepts more than our format */
	if (strcmp(text, again) != 0)
		return false;
	*ret_id = id;
	return true;
}

void watch_id_write(const struct watch_id *id, struct buf *out)
{
	char text[ID_MAX];

	format_id(id, text);
	buf_add_str(out, text);
}

static void write_id_line(const struct watch_id *id, uint64_t number, struct buf *out)
{
	const struct watch_id of_event = { id->list, number, id->filter };

	buf_add_str(out, "id: ");
	watch_id_write(&of_event, out);
	buf_add_char(out, '\n');
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

void watch_event_write(const struct change_event *event, const struct watch_id *id, struct buf *out)
{
	static const struct {
		const char *before;
		const char *after;
	} forms[] = {
		[CHANGE_SNAPSHOT] = { "event: snapshot\ndata: {\"container\":", "}\n\n" },
		[CHANGE_SYNCED] = { "event: synced\ndata: {}", "\n\n" },
		[CHANGE_ADDED] = { "data: {\"type\":\"ADDED\",\"container\":", "}\n\n" },
		[CHANGE_MODIFIED] = { "data: {\"type\":\"MODIFIED\",\"container\":", "}\n\n" },
		[CHANGE_DELETED] = { "data: {\"type\":\"DELETED\",\"container\":", "}\n\n" },
	};

	if (event->type != CHANGE_SNAPSHOT)
		write_id_line(id, event->number, out);
	buf_add_str(out, forms[event->type].before);
	if (event->item)
		buf_add(out, event->item->text, event->item->len);
	buf_add_str(out, forms[event->type].after);
}

void watch_comment_write(const struct watch_id *id, struct buf *out)
{
	buf_add_str(out, ":\n");
	if (id->number)
		write_id_line(id, id->number, out);
	buf_add_char(out, '\n');
}
