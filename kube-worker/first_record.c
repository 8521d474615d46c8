#include "kube-worker/first_record.h"

#include "common/adapters/bus_bucket.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/record.h"
#include "common/services/log.h"

#define PUT_TIMEOUT_MS 1000

/* RC_NOT_FOUND: there is no bucket. */
static enum rc put(const struct op_env *env, const char *bucket, const char *id, const char *value, int64_t deadline_ms,
		   struct error *err)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();
	char key[RECORD_KEY_MAX];
	uint64_t sequence;

	if (left_ms <= 0)
		return error_set(err, RC_TIMEOUT, "the deadline has passed");
	record_key(id, key);
	return bus_bucket_put_if(env->caller, bucket, key, value, 0, &sequence,
				 left_ms < PUT_TIMEOUT_MS ? left_ms : PUT_TIMEOUT_MS, err);
}

void first_record_leave(const struct op_env *env, const char *id, const cJSON *deployment, int64_t deadline_ms)
{
	const char *version = json_string_at(deployment, "metadata.resourceVersion");
	struct record record = { .id = id, .name = id, .status = CONTAINER_PENDING };
	struct buf value cleanup_buf = buf_make(RECORD_MAX);
	char bucket[BUS_BUCKET_MAX];
	struct error err;
	enum rc rc;

	if (version)
		(void)str_parse_int64(version, &record.version); /* else it stays 0 */
	record_bucket(env->config->name, bucket);
	record_write(&record, &value);
	rc = buf_check(&value, &err);
	if (!rc)
		rc = put(env, bucket, id, value.data, deadline_ms, &err);
	if (rc == RC_NOT_FOUND) { /* the first container of all, or no JetStream */
		rc = bus_bucket_open(env->caller, bucket, env->config->nats_replicas, &err);
		if (!rc)
			rc = put(env, bucket, id, value.data, deadline_ms, &err);
	}
	if (rc && rc != RC_CONFLICT && rc != RC_UNSUPPORTED)
		log_warn("the first record of a container could not be left", log_str("id", id), log_err(&err));
}
