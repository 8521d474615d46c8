/*
 * A JetStream key-value bucket (nats-architecture-and-design ADR-8): the stream KV_<bucket> on $KV.<bucket>.>, one
 * message per key. Keys consist of letters, digits, '-', '_', '/', '=' and '.'.
 */
#ifndef COMMON_BUS_BUS_BUCKET_H
#define COMMON_BUS_BUS_BUCKET_H

#include "common/base/buf.h"
#include "common/bus/bus_stream.h"
#include "common/services/config.h"

#define BUS_BUCKET_MAX 252         /* bytes of a bucket's name with its NUL: a stream's name is at most 255 */
#define BUS_BUCKET_SUBJECT_MAX 768 /* bytes of a key's subject with its NUL */

#define BUS_BUCKET_REPLICAS_MAX 5 /* JetStream's limit */

/* clang-format off */
/*
 * For processes that open a bucket; `config` (the struct) has the member `int64_t nats_replicas`, for
 * bus_bucket_open().
 */
#define CONFIG_ROW_NATS_REPLICAS(config) \
	{ .env = "SP_NATS_REPLICAS", .type = CONFIG_INT, .offset = offsetof(config, nats_replicas), .fallback = "0", \
	  .max = BUS_BUCKET_REPLICAS_MAX, \
	  .help = "Replicas of the provider's bucket in NATS; 0: three if there are as many servers, else one" }
/* clang-format on */

/*
 * Create the bucket unless it exists (history 1, file storage), or increase the replicas of an existing one; they are
 * never reduced. If JetStream rejects the number of replicas, the bucket has one, until the next bus_bucket_open()
 * raises it.
 *
 * replicas  1..BUS_BUCKET_REPLICAS_MAX; 0: three if there are as many servers, else one.
 *
 * Errors: those of bus_stream_ask(); RC_UNSUPPORTED without JetStream. Blocks: a few times as bus_stream_ask().
 * Source: nats-server server/errors.json: 10074 outside a cluster, 10005 and 10023 in one that is too small.
 */
enum rc bus_bucket_open(struct bus_caller *caller, const char *bucket, int64_t replicas, struct error *err) must_check;

/* The subject of a key: publishing to it is a put, acknowledged as for any stream. */
void bus_bucket_subject(const char *bucket, const char *key, char out[BUS_BUCKET_SUBJECT_MAX]);

/*
 * Read a key, from the stream's leader (never stale).
 *
 * value         is replaced by the value.
 * ret_sequence  for bus_bucket_put_if(); also set if the value is too large.
 * Errors: RC_NOT_FOUND no value; RC_TOO_LARGE for the buffer; RC_UNAVAILABLE the reply is not from JetStream; those of
 * bus_stream_ask().
 */
enum rc bus_bucket_get(struct bus_caller *caller, const char *bucket, const char *key, struct buf *value,
		       uint64_t *ret_sequence, struct error *err) must_check;

/*
 * Put a value if the key has not changed since.
 *
 * last_sequence  of the value to replace; 0: none.
 * ret_sequence   of the new one.
 * Errors: RC_CONFLICT it has changed; RC_TIMEOUT, RC_UNAVAILABLE: the outcome is unknown.
 */
enum rc bus_bucket_put_if(struct bus_caller *caller, const char *bucket, const char *key, const char *value,
			  uint64_t last_sequence, uint64_t *ret_sequence, int64_t timeout_ms, struct error *err)
	must_check;

/* The same without waiting for the acknowledgement. Errors: those of bus_publish(). */
enum rc bus_bucket_send_if(struct bus_caller *caller, const char *bucket, const char *key, const char *value,
			   uint64_t last_sequence, struct error *err) must_check;

/*
 * The two halves of bus_bucket_put_if() (bus_call.h); `subject` is from bus_bucket_subject(), valid until
 * bus_call_end().
 */
enum rc bus_bucket_put_begin(struct bus_caller *caller, const char *subject, const char *value, uint64_t last_sequence,
			     struct bus_pending *pending, struct error *err) must_check;
enum rc bus_bucket_put_end(struct bus_caller *caller, struct bus_pending *pending, int64_t timeout_ms,
			   uint64_t *ret_sequence, struct error *err) must_check;

/*
 * Call `on_key` with each key that matches `pattern` ("owed.*").
 * Errors: RC_NOT_FOUND no bucket; those of bus_stream_ask(). Source: nats-server server/jetstream_api.go,
 * JSApiStreamInfoRequest.subjects_filter.
 */
enum rc bus_bucket_keys(struct bus_caller *caller, const char *bucket, const char *pattern,
			void (*on_key)(void *ctx, const char *key), void *ctx, struct error *err) must_check;

/*
 * Remove a key's value unless it is newer than `sequence`, without waiting for the result.
 * Errors: those of bus_publish().
 */
enum rc bus_bucket_forget(struct bus_caller *caller, const char *bucket, const char *key, uint64_t sequence,
			  struct error *err) must_check;

/*
 * The request that removes a key without leaving a marker (as a deletion in ADR-8 would, forever): publish
 * `body` to `subject`; the reply is that of the JetStream API (bus_bucket_read_removal).
 */
void bus_bucket_removal(const char *bucket, const char *key, char subject[BUS_BUCKET_SUBJECT_MAX],
			char body[BUS_BUCKET_SUBJECT_MAX]);
enum rc bus_bucket_read_removal(struct bus_message *reply, struct error *err) must_check;

/*
 * Have all values of the keys that match `pattern` ("state.*") sent to a subject, one message each.
 *
 * ret_consumer  the name of the server's consumer, for bus_bucket_end(); at most BUS_BUCKET_MAX bytes.
 * ret_count     the number of messages. They may arrive before this reply.
 */
enum rc bus_bucket_send_all(struct bus_caller *caller, const char *bucket, const char *pattern, const char *address,
			    char ret_consumer[BUS_BUCKET_MAX], int64_t *ret_count, struct error *err) must_check;

/*
 * The consumer name of a message sent by bus_bucket_send_all(); false: another message. (Its subject is that of the
 * key, not the delivery subject.)
 */
bool bus_bucket_sender(const struct bus_message *msg, char out[BUS_BUCKET_MAX]);

/* Delete the consumer. Failure is harmless: the server deletes it after the connection has closed. */
void bus_bucket_end(struct bus_caller *caller, const char *bucket, const char *consumer);

#endif
