#include "kube-worker/streams/log_output.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"

#define OUTPUT_MAX (16u * 1024 * 1024) /* bytes; LOG_OUTPUT_HIGH plus the output of one piece */
#define LOST_MAX 96
#define NS_PER_MS 1000000
#define MARK_FORM "%08" PRIx32 "-%016" PRIx64 "-%08" PRIx32

struct log_output log_output_make(bool events, bool timestamps, bool named, int64_t limit)
{
	return (struct log_output){
		.events = events,
		.timestamps = timestamps,
		.named = named,
		.left = limit,
		.bytes = buf_make(OUTPUT_MAX),
	};
}

void log_output_clear(struct log_output *output)
{
	buf_clear(&output->bytes);
}

bool log_output_takes(const struct log_output *o, const void *speaker)
{
	return o->bytes.len < LOG_OUTPUT_HIGH && (!o->speaker || o->speaker == speaker);
}

uint32_t log_mark_key(const struct kube_uid *owner, const char *container)
{
	uint64_t hash = hash_text(hash_bytes(HASH_INIT, owner->bytes, sizeof(owner->bytes)), container);
	uint32_t key = (uint32_t)(hash ^ hash >> 32);

	return key <= LOG_KEY_START ? key + LOG_KEY_START + 1 : key;
}

int log_marks_read(const char *id, struct log_mark marks[LOG_PLACES_MAX])
{
	int count = 0;

	while (*id && count < LOG_PLACES_MAX) {
		struct log_mark *mark = &marks[count++];
		uint64_t ns;
		int used = 0;

		if (strspn(id, "0123456789abcdef-") < 34 ||
		    sscanf(id, "%8" SCNx32 "-%16" SCNx64 "-%8" SCNx32 "%n", &mark->key, &ns, &mark->place.hash,
			   &used) != 3 ||
		    used != 34 || ns == 0 || ns > INT64_MAX)
			return -1;
		mark->place.ns = (int64_t)ns;
		id += used;
		if (*id == '.' && id[1])
			id++;
		else if (*id)
			return -1;
	}
	return *id || count == 0 ? -1 : count;
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void write_id(struct buf *out, const struct log_mark *marks, size_t count)
{
	buf_add_str(out, "id: ");
	for (size_t i = 0; i < count; i++)
		buf_addf(out, "%s" MARK_FORM, i ? "." : "", marks[i].key, (uint64_t)marks[i].place.ns,
			 marks[i].place.hash);
	buf_add_char(out, '\n');
}

static void write_event(struct log_output *o, const struct log_name *name, const struct log_line *line,
			const struct log_mark *marks, size_t count)
{
	struct json_writer w = json_writer_make(&o->bytes);

	if (line->ends && count)
		write_id(&o->bytes, marks, count);
	buf_add_str(&o->bytes, "data: ");
	json_begin_object(&w, NULL);
	json_string_n(&w, "time", line->time, line->time_len);
	json_string(&w, "replica", name->replica);
	json_string(&w, "container", name->container);
	json_string_n(&w, "line", line->text, line->len);
	if (!line->ends)
		json_bool(&w, "partial", true);
	json_end_object(&w);
	buf_add_str(&o->bytes, "\n\n");
}

static void write_text(struct log_output *o, const void *speaker, const struct log_name *name,
		       const struct log_line *line)
{
	bool begins = line->begins || o->speaker != speaker;

	if (begins && o->in_line)
		buf_add_char(&o->bytes, '\n');
	if (begins && o->named)
		buf_addf(&o->bytes, "[%s/%s] ", name->replica, name->container);
	if (begins && o->timestamps && line->time_len) {
		buf_add(&o->bytes, line->time, line->time_len);
		buf_add_char(&o->bytes, ' ');
	}
	buf_add(&o->bytes, line->text, line->len);
	if (line->ends)
		buf_add_char(&o->bytes, '\n');
	o->in_line = !line->ends;
	o->speaker = line->ends ? NULL : speaker;
}

/* The limit counts the bytes of text sent, or of the lines in events. */
static void write_limited(struct log_output *o, const void *speaker, const struct log_name *name,
			  const struct log_line *line, const struct log_mark *marks, size_t count)
{
	size_t before = o->bytes.len;
	struct log_line cut = *line;

	if (o->events) {
		if ((int64_t)cut.len > o->left)
			cut.len = utf8_whole_length(cut.text, (size_t)o->left);
		write_event(o, name, &cut, marks, count);
		o->left -= (int64_t)line->len + line->ends;
		return;
	}
	write_text(o, speaker, name, line);
	if ((int64_t)(o->bytes.len - before) > o->left)
		buf_truncate(&o->bytes, before + (size_t)o->left);
	o->left -= (int64_t)(o->bytes.len - before);
}

static void write_lost(char text[LOST_MAX], const struct log_line *line)
{
	char from[CLOCK_RFC3339_MAX];

	clock_format_rfc3339(line->lost_from_ns / NS_PER_MS, true, from);
	snprintf(text, LOST_MAX, "[log lost between %s and %.*s]", from, (int)line->time_len, line->time);
}

void log_output_line(struct log_output *o, const void *speaker, const struct log_name *name,
		     const struct log_line *line, const struct log_mark *marks, size_t count)
{
	char text[LOST_MAX];
	struct log_line lost;

	if (o->left <= 0)
		return;
	if (!line->lost_from_ns) {
		write_limited(o, speaker, name, line, marks, count);
		return;
	}
	write_lost(text, line);
	lost = (struct log_line){ .time = line->time,
				  .time_len = line->time_len,
				  .text = text,
				  .len = strlen(text),
				  .begins = true,
				  .ends = true };
	write_limited(o, speaker, name, &lost, marks, 0);
}

void log_output_break(struct log_output *o, const void *speaker)
{
	if (o->speaker == speaker)
		o->speaker = NULL;
}

void log_output_comment(struct log_output *o)
{
	buf_add_str(&o->bytes, ":\n\n");
}
