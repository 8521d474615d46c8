#include "common/bus/bus_service.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/services/log.h"

#define ANSWER_MAX 65536
#define SUBJECT_MAX 256

struct bus_service {
	struct bus *bus;
	struct bus_service_options options;
	char id[CRYPTO_UUID_MAX];
	char started[CLOCK_RFC3339_MAX];
	char host[BUS_HOST_MAX];
};

static void write_metadata(struct json_writer *w, const struct bus_service *service)
{
	json_begin_object(w, "metadata");
	for (size_t i = 0; i < service->options.metadata_count; i++)
		json_string(w, service->options.metadata[i].name, service->options.metadata[i].value);
	json_string(w, BUS_METADATA_HOST, service->host);
	json_end_object(w);
}

static void write_info(struct json_writer *w, const struct bus_service *service)
{
	json_string(w, "description", service->options.description);
	json_begin_array(w, "endpoints");
	for (size_t i = 0; i < service->options.endpoint_count; i++) {
		const struct bus_endpoint *endpoint = &service->options.endpoints[i];

		json_begin_object(w, NULL);
		json_string(w, "name", endpoint->name);
		json_string(w, "subject", endpoint->subject);
		json_string(w, "queue_group", endpoint->queue);
		json_begin_object(w, "metadata");
		json_end_object(w);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_stats(struct json_writer *w, const struct bus_service *service)
{
	json_string(w, "started", service->started);
	json_begin_array(w, "endpoints");
	for (size_t i = 0; i < service->options.endpoint_count; i++) {
		const struct bus_endpoint *endpoint = &service->options.endpoints[i];
		struct bus_endpoint_stats stats = { 0 };

		service->options.stats(service->options.ctx, i, &stats);
		json_begin_object(w, NULL);
		json_string(w, "name", endpoint->name);
		json_string(w, "subject", endpoint->subject);
		json_string(w, "queue_group", endpoint->queue);
		json_int(w, "num_requests", stats.requests);
		json_int(w, "num_errors", stats.errors);
		json_string(w, "last_error", stats.last_error);
		json_int(w, "processing_time", stats.processing_ns);
		json_int(w, "average_processing_time", stats.requests ? stats.processing_ns / stats.requests : 0);
		if (service->options.data) {
			json_begin_object(w, "data");
			service->options.data(service->options.ctx, i, w);
			json_end_object(w);
		}
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_nothing(struct json_writer *w unused, const struct bus_service *service unused)
{
}

static const struct verb {
	const char *name;
	const char *type;
	void (*write)(struct json_writer *w, const struct bus_service *service);
} verbs[] = {
	{ "PING", "io.nats.micro.v1.ping_response", write_nothing },
	{ "INFO", "io.nats.micro.v1.info_response", write_info },
	{ "STATS", "io.nats.micro.v1.stats_response", write_stats },
};

/* The verb in "$SRV.<verb>[.<name>[.<id>]]"; NULL for others. */
static const struct verb *find_verb(const char *subject)
{
	const char *name = strchr(subject, '.') + 1;
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strlen(verbs[i].name) == len && strncmp(verbs[i].name, name, len) == 0)
			return &verbs[i];
	return NULL;
}

static void on_request(void *ctx, struct bus_message *msg)
{
	struct bus_message *owned cleanup_bus_message = msg;
	const struct bus_service *service = ctx;
	const struct verb *verb = find_verb(bus_message_subject(owned));
	struct buf body cleanup_buf = buf_make(ANSWER_MAX);
	struct json_writer w = json_writer_make(&body);
	struct bus_outgoing out = { .subject = bus_message_reply(owned) };
	struct error err;

	if (!verb || !out.subject)
		return;
	json_begin_object(&w, NULL);
	json_string(&w, "type", verb->type);
	json_string(&w, "name", service->options.name);
	json_string(&w, "id", service->id);
	json_string(&w, "version", service->options.version);
	write_metadata(&w, service);
	verb->write(&w, service);
	json_end_object(&w);
	out.data = body.data;
	out.len = body.len;
	if (buf_check(&body, &err) || bus_publish(service->bus, &out, &err))
		log_debug("cannot send a discovery reply", log_err(&err));
}

enum rc bus_service_create(struct bus *bus, const struct bus_service_options *options, struct bus_service **ret_service,
			   struct error *err)
{
	struct bus_service *service = calloc(1, sizeof(*service));
	char subject[SUBJECT_MAX];
	enum rc rc;

	if (!service)
		return error_no_memory(err);
	service->bus = bus;
	service->options = *options;
	bus_service_host(service->host);
	clock_format_rfc3339(clock_wall_ms(), false, service->started);
	if (!crypto_random_uuid(service->id)) {
		free(service);
		return error_set(err, RC_INTERNAL, "no random numbers for a service id");
	}
	/* With a wildcard for the verb: three subscriptions (each has a thread in cnats) instead of nine. */
	rc = bus_subscribe(bus, "$SRV.*", NULL, on_request, service, NULL, err);
	snprintf(subject, sizeof(subject), "$SRV.*.%s", options->name);
	if (!rc)
		rc = bus_subscribe(bus, subject, NULL, on_request, service, NULL, err);
	snprintf(subject, sizeof(subject), "$SRV.*.%s.%s", options->name, service->id);
	if (!rc)
		rc = bus_subscribe(bus, subject, NULL, on_request, service, NULL, err);
	*ret_service = service; /* also after a failure: subscriptions refer to it until bus_destroy() */
	return rc;
}

void bus_service_host(char out[BUS_HOST_MAX])
{
	if (gethostname(out, BUS_HOST_MAX))
		out[0] = '\0';
	out[BUS_HOST_MAX - 1] = '\0'; /* a truncated name may lack it */
}

void bus_service_destroy(struct bus_service *service)
{
	free(service);
}
