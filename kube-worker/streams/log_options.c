#include "kube-worker/streams/log_options.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/kube/kube_path.h"

#define NS_PER_MS 1000000

const struct request_member log_members[LOG_MEMBER_COUNT] = {
	REQUEST_MEMBER_ID,
	{ .name = "follow", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "timestamps", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "previous", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "events", .type = request_member_is_bool, .form = "a boolean" },
	{ .name = "tail_lines", .type = request_member_is_int, .form = "a number of lines", .max = INT64_MAX },
	{ .name = "since_seconds", .type = request_member_is_int, .form = "seconds", .min = 1, .max = INT32_MAX },
	{ .name = "limit_bytes", .type = request_member_is_int, .form = "bytes", .min = 1, .max = INT64_MAX },
	{ .name = "since_time", .type = request_member_is_text, .form = "a time" },
	{ .name = "container", .type = request_member_is_text, .form = "a name" },
	{ .name = "replica", .type = request_member_is_text, .form = "a name" },
	{ .name = "last_event_id", .type = request_member_is_text, .form = "an id" },
};

struct log_place log_options_place(const struct log_options *options, uint32_t key)
{
	for (int i = 0; i < options->mark_count; i++)
		if (options->marks[i].key == key)
			return options->marks[i].place;
	return (struct log_place){ 0, 0 };
}

enum rc log_options_read(const cJSON *request, int64_t now_ns, struct log_options *ret_options, struct error *err)
{
	const char *since = json_string_at(request, "since_time");
	const char *last = json_string_at(request, "last_event_id");
	struct log_options options = {
		.id = json_string_at(request, "id"),
		.container = json_string_at(request, "container"),
		.replica = json_string_at(request, "replica"),
		.events = json_true_at(request, "events"),
		.follow = json_true_at(request, "follow"),
		.timestamps = json_true_at(request, "timestamps"),
		.previous = json_true_at(request, "previous"),
		.tail_lines = json_int_at(request, "tail_lines", -1),
		.since_seconds = json_int_at(request, "since_seconds", 0),
		.limit_bytes = json_int_at(request, "limit_bytes", INT64_MAX),
	};

	if (!options.follow && options.tail_lines < 0)
		options.tail_lines = PROTOCOL_LOG_LINES_DEFAULT;
	if (since && !log_time_parse(since, strlen(since), &options.since_ns))
		return error_set(err, RC_INTERNAL, "the member 'since_time' is not a time");
	if (last)
		options.mark_count = log_marks_read(last, options.marks);
	if (options.mark_count < 0)
		return error_set(err, RC_INVALID_ARGUMENT, "the Last-Event-ID does not belong to this stream");
	options.start_ns = options.mark_count ? log_options_place(&options, LOG_KEY_START).ns : now_ns;
	*ret_options = options;
	return RC_OK;
}

static void add_since(struct buf *path, int64_t ns)
{
	char time[CLOCK_RFC3339_MAX];

	clock_format_rfc3339(ns / NS_PER_MS, false, time); /* Kubernetes uses whole seconds only */
	kube_path_add_query(path, "sinceTime", time);
}

static void add_number(struct buf *path, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	kube_path_add_query(path, key, text);
}

void log_options_path(const struct log_options *options, const struct log_call *call, struct buf *path)
{
	kube_path_add(path, KUBE_POD, call->namespace, call->pod);
	buf_add_str(path, "/log");
	kube_path_add_query(path, "container", call->container);
	kube_path_add_query(path, "timestamps", "true");
	if (options->follow && !call->previous)
		kube_path_add_query(path, "follow", "true");
	if (call->previous)
		kube_path_add_query(path, "previous", "true");
	if (call->since_ns)
		add_since(path, call->since_ns);
	else if (call->cut && options->since_seconds)
		add_number(path, "sinceSeconds", options->since_seconds);
	if (call->cut && options->tail_lines >= 0)
		add_number(path, "tailLines", options->tail_lines);
}
