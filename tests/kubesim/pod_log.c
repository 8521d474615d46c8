#include "tests/kubesim/pod_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/status.h"

#define LOG_MAX ((size_t)2 << 30)
#define KEY_MAX 512
#define TIME_LEN 30     /* bytes of the timestamp before each line, with nine digits of nanoseconds */
#define TICK_MS 20      /* poll interval for more output */
#define POD_LOOK_MS 100 /* and of the end of the run */

/* One run of a container; none is ever freed. */
struct run_log {
	struct run_log *next;
	char key[KEY_MAX]; /* uid/container/run */
	struct buf text;   /* lines with their times */
	int64_t lines;
	bool told; /* by a test */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of them */
static struct run_log *logs;

static void write_key(char key[KEY_MAX], const char *pod_uid, const char *container, int64_t run)
{
	snprintf(key, KEY_MAX, "%s/%s/%" PRId64, pod_uid, container, run);
}

/* With the lock. NULL: out of memory. */
static struct run_log *find_log(const char *key)
{
	struct run_log *log = logs;

	while (log && strcmp(log->key, key) != 0)
		log = log->next;
	if (log)
		return log;
	log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	snprintf(log->key, sizeof(log->key), "%s", key);
	log->text = buf_make(LOG_MAX);
	log->next = logs;
	logs = log;
	return log;
}

/* Whether a test has set the log of a run of this container. */
static bool is_told(const char *key)
{
	size_t len = (size_t)(strrchr(key, '/') - key);

	for (const struct run_log *log = logs; log; log = log->next)
		if (log->told && strncmp(log->key, key, len + 1) == 0)
			return true;
	return false;
}

static void add_line(struct run_log *log, int64_t ns, const char *text, size_t len)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm date;
	char time[32];

	gmtime_r(&seconds, &date);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &date);
	buf_addf(&log->text, "%s.%09" PRId64 "Z ", time, ns % 1000000000);
	buf_add(&log->text, text, len);
	buf_add_char(&log->text, '\n');
	log->lines++;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum rc say(const cJSON *request, const char *text, size_t len, struct error *err)
{
	const char *uid = json_string_at(request, "uid");
	const char *container = json_string_at(request, "container");
	char key[KEY_MAX];
	struct run_log *log;

	if (!uid || !container)
		return error_set(err, RC_INVALID_ARGUMENT, "uid and container are needed");
	write_key(key, uid, container, json_int_at(request, "run", 0));
	pthread_mutex_lock(&lock);
	log = find_log(key);
	while (log && len) {
		const char *end = memchr(text, '\n', len);
		size_t count = end ? (size_t)(end - text) : len;

		if (!log->told)
			buf_reset(&log->text);
		log->told = true;
		add_line(log, now_ns(), text, count);
		count += end != NULL;
		text += count;
		len -= count;
	}
	pthread_mutex_unlock(&lock);
	return log ? RC_OK : error_no_memory(err);
}

enum rc sim_pod_log_say(const struct buf *request, struct error *err)
{
	struct buf text cleanup_buf = buf_make(HTTP_BODY_MAX);
	cleanup_json cJSON *json = NULL;
	const char *base64;
	enum rc rc = json_parse(request->data, request->len, &json, err);

	if (rc)
		return rc;
	base64 = json_string_at(json, "base64");
	if (!base64 || !crypto_base64_decode(CRYPTO_BASE64_STANDARD, base64, strlen(base64), &text))
		return error_set(err, RC_INVALID_ARGUMENT, "base64 is needed");
	return say(json, text.data, text.len, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reading {
	struct sim *sim;
	struct sim_request *request;
	struct sim_target target;
	char container[SIM_NAME_MAX];
	char key[KEY_MAX];
	int64_t run;
	int64_t started_ms; /* wall clock: start of its output */
	int64_t since_ns;
	int64_t tail; /* -1: all */
	int64_t left; /* bytes */
	int64_t pod_look_ms;
	size_t at;
	size_t line_at; /* of the current line; `at` is within it */
	bool begun;
	bool follow;
	bool timestamps;
	bool over;
};

/* With the lock: its generated output until now. */
static void say_by_itself(const struct reading *r, struct run_log *log)
{
	int64_t interval_ms = r->sim->options.log_ms;
	char text[SIM_NAME_MAX + 64];

	if (!interval_ms || r->over || is_told(r->key))
		return;
	while (r->started_ms + log->lines * interval_ms <= clock_wall_ms()) {
		int64_t ms = r->started_ms + log->lines * interval_ms;

		snprintf(text, sizeof(text), "kubesim: container %s, line %" PRId64, r->container, log->lines + 1);
		add_line(log, ms * 1000000 + 1, text, strlen(text));
	}
}

static int64_t time_of(const char *line)
{
	char time[TIME_LEN + 1];
	int64_t ms = 0;

	memcpy(time, line, TIME_LEN);
	time[TIME_LEN] = '\0';
	(void)clock_parse_rfc3339(time, &ms); /* it was written here */
	return ms * 1000000 + strtoll(time + 23, NULL, 10);
}

/* Start position: the last lines, without too old ones. */
static size_t first_line(const struct reading *r, const struct buf *text)
{
	size_t at = text->len;
	int64_t lines = 0;

	while (at > 0 && (r->tail < 0 || lines < r->tail)) {
		size_t before = at - 1;

		while (before > 0 && text->data[before - 1] != '\n')
			before--;
		at = before;
		lines++;
	}
	while (at < text->len && time_of(text->data + at) < r->since_ns)
		at += (size_t)((const char *)memchr(text->data + at, '\n', text->len - at) - (text->data + at)) + 1;
	return at;
}

/* With the lock. Copies whole lines, or a part of one that does not fit. */
static size_t copy_lines(struct reading *r, const struct buf *text, char *out, size_t max)
{
	size_t used = 0;

	while (r->at < text->len && used < max && r->left > 0) {
		const char *end = memchr(text->data + r->at, '\n', text->len - r->at);
		size_t skip = r->at == r->line_at && !r->timestamps ? TIME_LEN + 1 : 0;
		size_t len;

		r->at += skip;
		len = (size_t)(end - (text->data + r->at)) + 1;
		if (len > max - used)
			len = max - used;
		if ((int64_t)len > r->left)
			len = (size_t)r->left;
		memcpy(out + used, text->data + r->at, len);
		used += len;
		r->left -= (int64_t)len;
		r->at += len;
		if (text->data[r->at - 1] == '\n')
			r->line_at = r->at;
	}
	return used;
}

/* Whether the run continues. */
static bool goes_on(const struct reading *r)
{
	cleanup_object struct sim_object *pod = sim_store_get(r->sim->store, r->target.kind, r->target.ns,
							      r->target.name);
	cleanup_json cJSON *tree = pod ? sim_object_tree(pod) : NULL;
	const char *uid = json_string_at(tree, "metadata.uid");
	const cJSON *status = NULL;

	if (!uid || !str_has_prefix(r->key, uid))
		return false; /* deleted; another one may have the same name */
	cJSON_ArrayForEach (status, json_at(tree, "status.containerStatuses"))
		if (str_equal(json_string_at(status, "name"), r->container))
			return json_at(status, "state.running") && json_int_at(status, "restartCount", 0) == r->run;
	return false;
}

static ssize_t read_log(void *ctx, char *out, size_t max)
{
	struct reading *r = ctx;

	for (;;) {
		struct run_log *log;
		size_t used = 0;
		bool last = r->over || !r->follow;

		pthread_mutex_lock(&lock);
		log = find_log(r->key);
		if (log) {
			say_by_itself(r, log);
			if (!r->begun)
				r->at = r->line_at = first_line(r, &log->text);
			r->begun = true;
			used = copy_lines(r, &log->text, out, max);
		}
		pthread_mutex_unlock(&lock);
		if (used)
			return (ssize_t)used;
		if (last || !log || r->left <= 0)
			return 0;
		if (!sim_request_pause(r->request, TICK_MS) || sim_store_stopped(r->sim->store))
			return -1;
		if (clock_mono_ms() < r->pod_look_ms)
			continue;
		r->pod_look_ms = clock_mono_ms() + POD_LOOK_MS;
		r->over = !goes_on(r);
	}
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

/* The status of the requested container. NULL: the response is set. */
static const cJSON *find_container(struct reading *r, const cJSON *pod, struct sim_response *rs)
{
	const char *asked = sim_request_query(r->request, "container");
	const cJSON *containers = json_at(pod, "spec.containers");
	const cJSON *item = NULL;
	char message[2 * SIM_NAME_MAX + 128];

	if (!asked)
		asked = json_string_at(cJSON_GetArrayItem(containers, 0), "name");
	cJSON_ArrayForEach (item, containers)
		if (str_equal(json_string_at(item, "name"), asked))
			snprintf(r->container, sizeof(r->container), "%s", asked);
	if (!r->container[0]) {
		snprintf(message, sizeof(message), "container %s is not valid for pod %s", asked, r->target.name);
		sim_answer_bad_request(rs, message);
		return NULL;
	}
	if (!json_string_at(pod, "spec.nodeName")) {
		rs->status = 204;
		return NULL;
	}
	cJSON_ArrayForEach (item, json_at(pod, "status.containerStatuses"))
		if (str_equal(json_string_at(item, "name"), r->container))
			return item;
	snprintf(message, sizeof(message), "container \"%s\" in pod \"%s\" is waiting to start: ContainerCreating",
		 r->container, r->target.name);
	sim_answer_bad_request(rs, message);
	return NULL;
}

/* The run that a kubelet would choose. Returns false if the response is set. */
static bool choose_run(struct reading *r, const cJSON *status, struct sim_response *rs)
{
	const char *reason = json_string_at(status, "state.waiting.reason");
	bool ended_before = json_at(status, "lastState.terminated") != NULL;
	char message[2 * SIM_NAME_MAX + 512];

	r->run = json_int_at(status, "restartCount", 0);
	if (sim_request_flag(r->request, "previous")) {
		snprintf(message, sizeof(message), "previous terminated container \"%s\" in pod \"%s\" not found",
			 r->container, r->target.name);
		if (!ended_before)
			sim_answer_bad_request(rs, message);
		r->run -= json_at(status, "state.waiting") == NULL; /* which was still not started */
		r->over = true;
		return ended_before;
	}
	if (!reason || ended_before)
		return true;
	snprintf(message, sizeof(message), "container \"%s\" in pod \"%s\" is waiting to start: %s", r->container,
		 r->target.name, str_equal(reason, "ImagePullBackOff") ? "trying and failing to pull image" : reason);
	sim_answer_bad_request(rs, message);
	return false;
}

static enum rc read_options(struct reading *r, struct error *err)
{
	const char *time = sim_request_query(r->request, "sinceTime");
	int64_t seconds = 0;
	int64_t ms;
	enum rc rc = sim_request_int(r->request, "sinceSeconds", &seconds, err);

	if (!rc)
		rc = sim_request_int(r->request, "tailLines", &r->tail, err);
	if (!rc)
		rc = sim_request_int(r->request, "limitBytes", &r->left, err);
	if (!rc && time && !clock_parse_rfc3339(time, &ms))
		rc = error_set(err, RC_INVALID_ARGUMENT, "sinceTime");
	if (rc)
		return rc;
	if (seconds)
		r->since_ns = now_ns() - seconds * 1000000000;
	else if (time)
		r->since_ns = ms / 1000 * 1000000000; /* kubelets receive whole seconds */
	r->follow = sim_request_flag(r->request, "follow");
	r->timestamps = sim_request_flag(r->request, "timestamps");
	return RC_OK;
}

void sim_pod_log(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *pod = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_json cJSON *tree = pod ? sim_object_tree(pod) : NULL;
	struct reading *r = calloc(1, sizeof(*r));
	const cJSON *status;
	struct error err;

	if (!r || !tree) {
		free(r);
		sim_answer_not_found(rs, t->kind, t->name);
		return;
	}
	*r = (struct reading){ .sim = sim, .request = rq, .target = *t, .tail = -1, .left = INT64_MAX };
	if (read_options(r, &err)) {
		sim_answer_unreadable(rs, &err);
		free(r);
		return;
	}
	status = find_container(r, tree, rs);
	if (!status || !choose_run(r, status, rs)) {
		free(r);
		return;
	}
	if (!clock_parse_rfc3339(json_string_at(status, "state.running.startedAt"), &r->started_ms))
		r->over = true;
	write_key(r->key, json_string_at(tree, "metadata.uid"), r->container, r->run);
	rs->status = 200;
	rs->content_type = "text/plain";
	rs->stream = (struct sim_stream){ .read = read_log, .destroy = free, .ctx = r };
}
