#include "common/bus/bus_bucket.h"

#include <inttypes.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"
#include "common/services/log.h"

#define BODY_MAX 4096
#define REPLICAS_USUAL 3                          /* tolerates the loss of one */
#define KEYS_MAX 1000000                          /* of bus_bucket_keys() */
#define CALL_MAX 600                              /* bytes of an API subject with its parameters */
#define DUPLICATE_WINDOW_NS INT64_C(120000000000) /* 2 min, the default of streams */
#define NEVER_A_SEQUENCE INT64_MAX                /* larger than any sequence */
#define PROOF_TIMEOUT_MS 1000
#define PROOF_PAUSE_MS 20
#define MADE_WITHIN_MS 5000
#define SENDER_IDLE_NS INT64_C(30000000000) /* the server deletes an unused push consumer after this time */

void bus_bucket_subject(const char *bucket, const char *key, char out[BUS_BUCKET_SUBJECT_MAX])
{
	snprintf(out, BUS_BUCKET_SUBJECT_MAX, "$KV.%s.%s", bucket, key);
}

static void call_name(char out[CALL_MAX], const char *call, const char *bucket)
{
	snprintf(out, CALL_MAX, "%s.KV_%s", call, bucket);
}

/*
 * The stream configuration of a key-value bucket, compatible with other NATS clients. Source: nats.go jetstream/kv.go.
 */
static void write_config(const char *bucket, int64_t replicas, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char name[CALL_MAX];

	snprintf(name, sizeof(name), "KV_%s", bucket);
	bus_bucket_subject(bucket, ">", subject);
	json_begin_object(&w, NULL);
	json_string(&w, "name", name);
	json_begin_array(&w, "subjects");
	json_string(&w, NULL, subject);
	json_end_array(&w);
	json_string(&w, "description",
		    "k8s-container-sp: last reported state of containers, and leader of the monitors");
	json_string(&w, "retention", "limits");
	json_string(&w, "storage", "file");
	json_string(&w, "discard", "new");
	json_int(&w, "max_msgs_per_subject", 1);
	json_int(&w, "max_msgs", -1);
	json_int(&w, "max_bytes", -1);
	json_int(&w, "max_consumers", -1);
	json_int(&w, "num_replicas", replicas);
	json_int(&w, "duplicate_window", DUPLICATE_WINDOW_NS);
	json_bool(&w, "allow_rollup_hdrs", true);
	json_bool(&w, "deny_delete", true);
	json_bool(&w, "allow_direct", true);
	json_end_object(&w);
}

static enum rc create(struct bus_caller *caller, const char *bucket, int64_t replicas, struct error *err)
{
	struct buf config cleanup_buf = buf_make(BODY_MAX);
	char call[CALL_MAX];
	enum rc rc;

	write_config(bucket, replicas, &config);
	rc = buf_check(&config, err);
	if (rc)
		return rc;
	call_name(call, "STREAM.CREATE", bucket);
	rc = bus_stream_ask(caller, call, config.data, NULL, err);
	if (rc == RC_ALREADY_EXISTS) /* created concurrently, possibly by another version with other settings */
		return RC_OK;
	if (!rc)
		log_info("key-value bucket created", log_str("bucket", bucket), log_num("replicas", replicas));
	return rc;
}

/* `config`: the server's configuration; only the number of replicas is changed. */
static enum rc raise_to(struct bus_caller *caller, const char *bucket, int64_t replicas, cJSON *config,
			struct error *err)
{
	struct buf body cleanup_buf = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	char call[CALL_MAX];
	enum rc rc;

	cJSON_SetNumberValue(json_get(config, "num_replicas"), (double)replicas);
	json_tree(&w, NULL, config);
	rc = buf_check(&body, err);
	if (rc)
		return rc;
	call_name(call, "STREAM.UPDATE", bucket);
	rc = bus_stream_ask(caller, call, body.data, NULL, err);
	if (!rc)
		log_info("replicas of the key-value bucket increased", log_str("bucket", bucket),
			 log_num("replicas", replicas));
	return rc;
}

/* A single server accepts any number, and keeps one replica. */
static enum rc check_cluster(const cJSON *info, struct error *err)
{
	return json_get(info, "cluster") ? RC_OK
					 : error_set(err, RC_UNAVAILABLE, "the NATS server is not in a cluster");
}

/* A rejected explicit setting is logged, and otherwise ignored. */
static void note_refusal(const char *bucket, int64_t asked, const struct error *err)
{
	if (asked > 1)
		log_warn("the key-value bucket has fewer replicas than configured; continuing",
			 log_str("bucket", bucket), log_num("configured", asked), log_err(err));
}

/*
 * A stream that is just being created is found, but must not be read: nats-server 2.9.10 crashes (nil pointer in
 * jsMsgGetRequest). It is ready once it replies to a message, so send one that it rejects.
 */
static enum rc wait_until_made(struct bus_caller *caller, const char *bucket, struct error *err)
{
	int64_t end_ms = clock_mono_ms() + MADE_WITHIN_MS;
	uint64_t sequence;
	enum rc rc;

	do {
		rc = bus_bucket_put_if(caller, bucket, "state.none", "", NEVER_A_SEQUENCE, &sequence, PROOF_TIMEOUT_MS,
				       err);
		if (rc != RC_NOT_FOUND)
			return rc == RC_CONFLICT ? RC_OK : rc;
		clock_sleep_ms(PROOF_PAUSE_MS);
	} while (clock_mono_ms() < end_ms);
	return error_set(err, RC_UNAVAILABLE, "the key-value bucket exists but does not respond");
}

enum rc bus_bucket_open(struct bus_caller *caller, const char *bucket, int64_t replicas, struct error *err)
{
	int64_t wanted = replicas ? replicas : REPLICAS_USUAL;
	cleanup_json cJSON *info = NULL;
	struct error refusal = { 0 };
	char call[CALL_MAX];
	enum rc rc;

	call_name(call, "STREAM.INFO", bucket);
	rc = bus_stream_ask(caller, call, NULL, &info, err);
	if (!rc && json_int_at(info, "config.num_replicas", wanted) < wanted) {
		enum rc raised = check_cluster(info, &refusal);

		if (!raised)
			raised = raise_to(caller, bucket, wanted, json_get(info, "config"), &refusal);
		if (raised)
			note_refusal(bucket, replicas, &refusal);
	}
	if (rc == RC_NOT_FOUND) {
		rc = create(caller, bucket, wanted, err);
		if (rc == RC_UNAVAILABLE && wanted > 1) {
			note_refusal(bucket, replicas, err);
			rc = create(caller, bucket, 1, err);
		}
	}
	return rc ? rc : wait_until_made(caller, bucket, err);
}

enum rc bus_bucket_get(struct bus_caller *caller, const char *bucket, const char *key, struct buf *value,
		       uint64_t *ret_sequence, struct error *err)
{
	cleanup_json cJSON *answer = NULL;
	char call[CALL_MAX];
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char body[BUS_BUCKET_SUBJECT_MAX + 32];
	const char *data;
	int64_t sequence;
	enum rc rc;

	call_name(call, "STREAM.MSG.GET", bucket);
	bus_bucket_subject(bucket, key, subject);
	snprintf(body, sizeof(body), "{\"last_by_subj\":\"%s\"}", subject);
	rc = bus_stream_ask(caller, call, body, &answer, err);
	if (rc)
		return rc;
	sequence = json_int_at(answer, "message.seq", 0);
	if (sequence <= 0)
		return error_set(err, RC_UNAVAILABLE, "the reply for '%s' is not a message", key);
	data = json_string_at(answer, "message.data"); /* absent if the value is empty */
	buf_reset(value);
	if (data && !crypto_base64_decode(CRYPTO_BASE64_STANDARD, data, strlen(data), value))
		return error_set(err, RC_UNAVAILABLE, "the value of '%s' is not base64", key);
	*ret_sequence = (uint64_t)sequence;
	return buf_check(value, err);
}

/* A put is a message with the expected sequence in a header. */
struct put_message {
	char expected[24];
	struct bus_header header;
	struct bus_outgoing out;
};

static void put_message_make(struct put_message *message, const char *subject, const char *value,
			     uint64_t last_sequence)
{
	snprintf(message->expected, sizeof(message->expected), "%" PRIu64, last_sequence);
	message->header = (struct bus_header){ BUS_STREAM_EXPECTED_SEQUENCE, message->expected };
	message->out = (struct bus_outgoing){
		.subject = subject,
		.headers = &message->header,
		.header_count = 1,
		.data = value,
		.len = strlen(value),
	};
}

enum rc bus_bucket_put_begin(struct bus_caller *caller, const char *subject, const char *value, uint64_t last_sequence,
			     struct bus_pending *pending, struct error *err)
{
	struct put_message message;

	put_message_make(&message, subject, value, last_sequence);
	return bus_call_begin(caller, &message.out, pending, err);
}

enum rc bus_bucket_send_if(struct bus_caller *caller, const char *bucket, const char *key, const char *value,
			   uint64_t last_sequence, struct error *err)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];
	struct put_message message;

	bus_bucket_subject(bucket, key, subject);
	put_message_make(&message, subject, value, last_sequence);
	return bus_call_tell(caller, &message.out, err);
}

enum rc bus_bucket_put_end(struct bus_caller *caller, struct bus_pending *pending, int64_t timeout_ms,
			   uint64_t *ret_sequence, struct error *err)
{
	struct bus_message *reply cleanup_bus_message = NULL;
	enum rc rc = bus_call_end(caller, pending, timeout_ms, &reply, err);

	return rc ? rc : bus_stream_read_ack(reply, ret_sequence, err);
}

enum rc bus_bucket_put_if(struct bus_caller *caller, const char *bucket, const char *key, const char *value,
			  uint64_t last_sequence, uint64_t *ret_sequence, int64_t timeout_ms, struct error *err)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];
	struct bus_pending pending;
	enum rc rc;

	bus_bucket_subject(bucket, key, subject);
	rc = bus_bucket_put_begin(caller, subject, value, last_sequence, &pending, err);
	return rc ? rc : bus_bucket_put_end(caller, &pending, timeout_ms, ret_sequence, err);
}

/* One page of keys; the server returns at most 100,000 subjects per page. */
static enum rc keys_page(struct bus_caller *caller, const char *bucket, const char *pattern, int64_t offset,
			 cJSON **ret_answer, struct error *err)
{
	char call[CALL_MAX];
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char body[BUS_BUCKET_SUBJECT_MAX + 64];

	call_name(call, "STREAM.INFO", bucket);
	bus_bucket_subject(bucket, pattern, subject);
	snprintf(body, sizeof(body), "{\"subjects_filter\":\"%s\",\"offset\":%" PRId64 "}", subject, offset);
	return bus_stream_ask(caller, call, body, ret_answer, err);
}

enum rc bus_bucket_keys(struct bus_caller *caller, const char *bucket, const char *pattern,
			void (*on_key)(void *ctx, const char *key), void *ctx, struct error *err)
{
	char prefix[BUS_BUCKET_SUBJECT_MAX];
	int64_t offset = 0;
	int64_t count = 0;
	enum rc rc;

	bus_bucket_subject(bucket, "", prefix);
	do {
		cleanup_json cJSON *answer = NULL;
		const cJSON *subject = NULL;

		rc = keys_page(caller, bucket, pattern, offset, &answer, err);
		count = 0;
		cJSON_ArrayForEach (subject, json_at(answer, "state.subjects")) {
			count++;
			if (str_has_prefix(subject->string, prefix) && bus_is_subject(subject->string) &&
			    !strpbrk(subject->string, "\"\\"))
				on_key(ctx, subject->string + strlen(prefix));
		}
		offset += count;
		if (!rc && offset >= json_int_at(answer, "total", 0))
			break;
		if (!rc && offset >= KEYS_MAX)
			rc = error_set(err, RC_TOO_LARGE, "the bucket has more than %d keys", KEYS_MAX);
	} while (!rc && count > 0);
	return rc;
}

enum rc bus_bucket_forget(struct bus_caller *caller, const char *bucket, const char *key, uint64_t sequence,
			  struct error *err)
{
	char subject[BUS_BUCKET_SUBJECT_MAX];
	char body[BUS_BUCKET_SUBJECT_MAX + 64];

	snprintf(subject, sizeof(subject), "$JS.API.STREAM.PURGE.KV_%s", bucket);
	snprintf(body, sizeof(body), "{\"filter\":\"$KV.%s.%s\",\"seq\":%" PRIu64 "}", bucket, key, sequence + 1);
	return bus_call_tell(caller, &(struct bus_outgoing){ .subject = subject, .data = body, .len = strlen(body) },
			     err);
}

void bus_bucket_removal(const char *bucket, const char *key, char subject[BUS_BUCKET_SUBJECT_MAX],
			char body[BUS_BUCKET_SUBJECT_MAX])
{
	snprintf(subject, BUS_BUCKET_SUBJECT_MAX, "$JS.API.STREAM.PURGE.KV_%s", bucket);
	snprintf(body, BUS_BUCKET_SUBJECT_MAX, "{\"filter\":\"$KV.%s.%s\"}", bucket, key);
}

enum rc bus_bucket_read_removal(struct bus_message *reply, struct error *err)
{
	cleanup_json cJSON *answer = NULL;
	size_t len;
	const char *data = bus_message_data(reply, &len);
	enum rc rc = RC_OK;

	if (bus_message_is_no_responders(reply))
		return error_set(err, RC_UNAVAILABLE, "NATS has no JetStream");
	rc = json_parse(data, len, &answer, err);
	if (!rc && !json_true_at(answer, "success"))
		return error_set(err, RC_UNAVAILABLE, "cannot remove a key");
	return rc;
}

enum rc bus_bucket_send_all(struct bus_caller *caller, const char *bucket, const char *pattern, const char *address,
			    char ret_consumer[BUS_BUCKET_MAX], int64_t *ret_count, struct error *err)
{
	struct buf body cleanup_buf = buf_make(BODY_MAX);
	struct json_writer w = json_writer_make(&body);
	cleanup_json cJSON *answer = NULL;
	char call[CALL_MAX];
	char name[CALL_MAX];
	char filter[BUS_BUCKET_SUBJECT_MAX];
	enum rc rc;

	snprintf(name, sizeof(name), "KV_%s", bucket);
	bus_bucket_subject(bucket, pattern, filter);
	json_begin_object(&w, NULL);
	json_string(&w, "stream_name", name);
	json_begin_object(&w, "config");
	json_string(&w, "deliver_subject", address);
	json_string(&w, "deliver_policy", "last_per_subject");
	json_string(&w, "filter_subject", filter);
	json_string(&w, "ack_policy", "none");
	json_string(&w, "replay_policy", "instant");
	json_int(&w, "inactive_threshold", SENDER_IDLE_NS);
	json_bool(&w, "mem_storage", true);
	json_end_object(&w);
	json_end_object(&w);
	rc = buf_check(&body, err);
	if (rc)
		return rc;
	call_name(call, "CONSUMER.CREATE", bucket);
	rc = bus_stream_ask(caller, call, body.data, &answer, err);
	if (rc)
		return rc;
	snprintf(ret_consumer, BUS_BUCKET_MAX, "%s",
		 json_string_at(answer, "name") ? json_string_at(answer, "name") : "");
	*ret_count = json_int_at(answer, "num_pending", 0) + json_int_at(answer, "delivered.consumer_seq", 0);
	return RC_OK;
}

/* Source: ADR-15: "$JS.ACK.<stream>.<consumer>.<5 more>", or with domain and account hash before the stream. */
bool bus_bucket_sender(const struct bus_message *msg, char out[BUS_BUCKET_MAX])
{
	const char *reply = bus_message_reply(msg);
	const char *token = reply;
	int dots = 0;

	if (!reply || !str_has_prefix(reply, "$JS.ACK."))
		return false;
	for (const char *c = reply; *c; c++)
		dots += *c == '.';
	for (int skip = dots > 8 ? 5 : 3; skip > 0 && token; skip--) {
		token = strchr(token, '.');
		token = token ? token + 1 : NULL;
	}
	if (!token)
		return false;
	snprintf(out, BUS_BUCKET_MAX, "%.*s", (int)strcspn(token, "."), token);
	return true;
}

void bus_bucket_end(struct bus_caller *caller, const char *bucket, const char *consumer)
{
	char call[CALL_MAX];
	char name[CALL_MAX];
	struct error err;

	call_name(name, "CONSUMER.DELETE", bucket);
	snprintf(call, sizeof(call), "%.340s.%.250s", name, consumer);
	if (bus_stream_ask(caller, call, NULL, NULL, &err))
		log_debug("cannot delete a consumer of a bucket", log_err(&err));
}
