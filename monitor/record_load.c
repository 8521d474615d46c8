#include "monitor/record_load.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/bus/bus_bucket.h"
#include "common/services/log.h"

#define TIMEOUT_MS 5000

struct record_load {
	struct record_load_options options;
	char address[BUS_INBOX_MAX]; /* delivery subject of the records */
	bool begun;
	bool done;
	char consumer[BUS_BUCKET_MAX];
	int64_t begun_ms;
	int64_t generation; /* at the start */
	int64_t expected;
	pthread_mutex_t lock;      /* protects the following */
	char from[BUS_BUCKET_MAX]; /* the consumer of the received records */
	int64_t received;
};

/* On a thread of cnats. */
static void on_record(void *ctx, struct bus_message *msg)
{
	struct bus_message *owned cleanup_bus_message = msg;
	struct record_load *load = ctx;
	cleanup_json cJSON *tree = NULL;
	struct record record;
	struct error err;
	size_t len;
	const char *data = bus_message_data(owned, &len);
	char from[BUS_BUCKET_MAX];

	if (!bus_bucket_sender(owned, from))
		return;
	if (record_read(data, len, &tree, &record, &err))
		log_warn("skipping an invalid record", log_err(&err));
	else
		load->options.take(load->options.ctx, &record);
	pthread_mutex_lock(&load->lock);
	if (strcmp(load->from, from) != 0) {
		snprintf(load->from, sizeof(load->from), "%s", from);
		load->received = 0;
	}
	load->received++;
	pthread_mutex_unlock(&load->lock);
}

static bool is_complete(struct record_load *load)
{
	bool complete;

	pthread_mutex_lock(&load->lock);
	complete = load->expected == 0 || (strcmp(load->from, load->consumer) == 0 && load->received >= load->expected);
	pthread_mutex_unlock(&load->lock);
	return complete;
}

static void begin(struct record_load *load, int64_t generation)
{
	const struct record_load_options *options = &load->options;
	char all[RECORD_KEY_MAX];
	struct error err;

	load->begun_ms = clock_mono_ms();
	load->generation = generation;
	record_key(options->type, NULL, all);
	if (bus_bucket_send_all(options->caller, options->bucket, all, load->address, load->consumer, &load->expected,
				&err))
		log_warn("cannot read the records of earlier reports; retrying", log_err(&err));
	else
		load->begun = true;
}

void record_load_tend(struct record_load *load, int64_t generation)
{
	if (load->done && load->generation != generation)
		load->done = false;
	if (load->done)
		return;
	if (!load->begun) {
		begin(load, generation);
		return;
	}
	if (is_complete(load)) {
		load->done = true;
		log_debug("records of earlier reports read", log_num("records", load->expected));
	} else if (clock_mono_ms() - load->begun_ms < TIMEOUT_MS) {
		return;
	}
	load->begun = false;
	bus_bucket_end(load->options.caller, load->options.bucket, load->consumer);
}

void record_load_forget(struct record_load *load)
{
	load->begun = false;
	load->done = false;
}

bool record_load_is_done(const struct record_load *load)
{
	return load->done;
}

enum rc record_load_create(const struct record_load_options *options, struct record_load **ret_load, struct error *err)
{
	struct record_load *load = calloc(1, sizeof(*load));
	enum rc rc;

	if (!load)
		return error_no_memory(err);
	load->options = *options;
	pthread_mutex_init(&load->lock, NULL);
	*ret_load = load;
	rc = bus_new_inbox(options->bus, load->address, err);
	return rc ? rc : bus_subscribe(options->bus, load->address, NULL, on_record, load, NULL, err);
}

void record_load_destroy(struct record_load *load)
{
	if (!load)
		return;
	pthread_mutex_destroy(&load->lock);
	free(load);
}
