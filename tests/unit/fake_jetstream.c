#include "tests/unit/fake_jetstream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "tests/unit/fake_clock.h"

#define LOST_MS 3000 /* longer than any timeout of an acknowledgement */
#define TEXT_MAX 4096

static struct fake_key *find_key(struct fake_jetstream *js, const char *subject)
{
	struct fake_key *key = js->keys;

	while (key->subject && strcmp(key->subject, subject) != 0)
		key++; /* a test has fewer */
	return key;
}

static uint64_t put(struct fake_jetstream *js, const char *subject, const char *value)
{
	struct fake_key *key = find_key(js, subject);

	if (!key->subject)
		key->subject = str_dup(subject);
	free(key->value);
	key->value = str_dup(value);
	key->sequence = ++js->sequence;
	return key->sequence;
}

/* ---- its API ----------------------------------------------------------------------------------------------------- */

/* The keys of debts, for any request. */
static void write_subjects(const struct fake_jetstream *js, struct buf *out)
{
	const char *separator = "";

	for (const struct fake_key *key = js->keys; key->subject; key++) {
		if (!key->sequence || !strstr(key->subject, ".owed."))
			continue;
		buf_addf(out, "%s\"%s\":1", separator, key->subject);
		separator = ",";
	}
}

static void info(struct fake_jetstream *js, const cJSON *request, struct buf *out)
{
	if (!js->has_bucket) {
		buf_add_str(out, FAKE_JETSTREAM_ERROR(10059));
		return;
	}
	buf_add_str(out, "{\"config\":{\"num_replicas\":1},\"state\":{\"subjects\":{");
	if (json_get(request, "subjects_filter"))
		write_subjects(js, out);
	buf_add_str(out, "}}}");
}

static void create(struct fake_jetstream *js, const cJSON *request unused, struct buf *out)
{
	js->has_bucket = true;
	buf_add_str(out, "{}");
}

static void names(struct fake_jetstream *js, const cJSON *request unused, struct buf *out)
{
	buf_add_str(out, js->listens ? "{\"streams\":[\"events\"]}" : "{\"streams\":null}");
}

static void get(struct fake_jetstream *js, const cJSON *request, struct buf *out)
{
	const struct fake_key *key = find_key(js, json_string_at(request, "last_by_subj"));

	if (!js->has_bucket) {
		buf_add_str(out, FAKE_JETSTREAM_ERROR(10059));
	} else if (!key->sequence) {
		buf_add_str(out, FAKE_JETSTREAM_ERROR(10037));
	} else {
		buf_addf(out, "{\"message\":{\"seq\":%" PRIu64 ",\"data\":\"", key->sequence);
		crypto_base64_encode(CRYPTO_BASE64_STANDARD, key->value, strlen(key->value), out);
		buf_add_str(out, "\"}}");
	}
}

static void purge(struct fake_jetstream *js, const cJSON *request, struct buf *out)
{
	find_key(js, json_string_at(request, "filter"))->sequence = 0;
	buf_add_str(out, "{\"success\":true,\"purged\":1}");
}

static void consume(struct fake_jetstream *js, const cJSON *request, struct buf *out)
{
	snprintf(js->consumer, sizeof(js->consumer), "consumer%" PRIu64, ++js->sequence);
	snprintf(js->address, sizeof(js->address), "%s", json_string_at(request, "config.deliver_subject"));
	buf_addf(out, "{\"name\":\"%s\",\"num_pending\":%" PRId64 "}", js->consumer, js->pending);
}

static void agree(struct fake_jetstream *js unused, const cJSON *request unused, struct buf *out)
{
	buf_add_str(out, "{\"success\":true}");
}

static const struct {
	const char *prefix;
	void (*reply)(struct fake_jetstream *js, const cJSON *request, struct buf *out);
} calls[] = {
	{ "$JS.API.STREAM.INFO.", info },      { "$JS.API.STREAM.CREATE.", create },
	{ "$JS.API.STREAM.NAMES", names },     { "$JS.API.STREAM.MSG.GET.", get },
	{ "$JS.API.STREAM.PURGE.", purge },    { "$JS.API.CONSUMER.CREATE.", consume },
	{ "$JS.API.CONSUMER.DELETE.", agree },
};

static void on_call(void *ctx, const struct bus_message *msg)
{
	struct fake_jetstream *js = ctx;
	struct buf out cleanup_buf = buf_make(TEXT_MAX);
	cleanup_json cJSON *request = cJSON_Parse(fake_bus_text(msg));

	for (size_t i = 0; !js->error && i < ARRAY_LEN(calls); i++)
		if (str_has_prefix(bus_message_subject(msg), calls[i].prefix))
			calls[i].reply(js, request, &out);
	fake_bus_reply(js->bus, msg, js->absent ? NULL : js->error ? js->error : out.data);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* The configured error of the next put; NULL: none. */
static const char *next_refusal(struct fake_jetstream *js, bool *ret_stored)
{
	for (size_t i = 0; i < ARRAY_LEN(js->refuse); i++) {
		if (!js->refuse[i].count)
			continue;
		js->refuse[i].count--;
		*ret_stored = js->refuse[i].stored;
		return js->refuse[i].error;
	}
	return NULL;
}

static void on_put(void *ctx, const struct bus_message *msg)
{
	struct fake_jetstream *js = ctx;
	struct bus_message *readable = (struct bus_message *)(uintptr_t)msg;
	const char *expected = bus_message_header(readable, BUS_STREAM_EXPECTED_SEQUENCE);
	const struct fake_key *key = find_key(js, bus_message_subject(msg));
	const char *refusal;
	bool stored = true;
	char text[128];

	if (js->absent || !js->has_bucket) {
		fake_bus_reply(js->bus, msg, NULL);
		return;
	}
	if (expected && strtoull(expected, NULL, 10) != key->sequence) {
		fake_bus_reply(js->bus, msg, FAKE_JETSTREAM_ERROR(10071));
		return;
	}
	refusal = next_refusal(js, &stored);
	if (stored)
		snprintf(text, sizeof(text), "{\"stream\":\"KV\",\"seq\":%" PRIu64 "}",
			 put(js, bus_message_subject(msg), fake_bus_text(msg)));
	if (refusal) {
		fake_bus_reply(js->bus, msg, refusal);
		return;
	}
	if (js->lost) {
		js->lost--;
		fake_clock_advance(LOST_MS);
		return;
	}
	fake_bus_reply(js->bus, msg, text);
}

static void on_event(void *ctx, const struct bus_message *msg)
{
	struct fake_jetstream *js = ctx;

	if (js->listens)
		fake_bus_reply(js->bus, msg, FAKE_JETSTREAM_ACK);
}

void fake_jetstream_start(struct fake_jetstream *js)
{
	fake_bus_listen(js->bus, "dcm.>", on_event, js);
	fake_bus_listen(js->bus, "$JS.API.>", on_call, js);
	fake_bus_listen(js->bus, "$KV.>", on_put, js);
}

void fake_jetstream_clear(struct fake_jetstream *js)
{
	for (struct fake_key *key = js->keys; key->subject; key++) {
		free(TAKE(key->subject));
		free(TAKE(key->value));
	}
}

/* ---- other processes --------------------------------------------------------------------------------------------- */

uint64_t fake_jetstream_put(struct fake_jetstream *js, const char *bucket, const char *key, const char *value)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];

	bus_bucket_subject(bucket, key, subject);
	return put(js, subject, value);
}

const char *fake_jetstream_get(struct fake_jetstream *js, const char *bucket, const char *key)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];
	const struct fake_key *found;

	bus_bucket_subject(bucket, key, subject);
	found = find_key(js, subject);
	return found->sequence ? found->value : NULL;
}

void fake_jetstream_send(struct fake_jetstream *js, const char *consumer, const char *value)
{
	char reply[BUS_BUCKET_SUBJECT_MAX];

	snprintf(reply, sizeof(reply), "$JS.ACK.KV_bucket.%s.1.1.1.1.0", consumer);
	(void)fake_bus_deliver_at(
		js->bus, js->address,
		&(struct bus_outgoing){ .subject = "$KV.bucket.state.web",
					.reply = reply,
					.data = value,
					.len = strlen(value) }); /* there may no longer be a listener */
}
