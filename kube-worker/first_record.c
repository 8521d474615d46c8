#include "kube-worker/first_record.h"

#include "common/base/strutil.h"
#include "common/kube/record.h"
#include "common/services/log.h"

void first_record_leave(const struct op_env *env, const char *id, const cJSON *deployment)
{
	static const struct bus_header only_if_empty = { BUS_STREAM_EXPECTED_SEQUENCE, "0" };
	const char *version = json_string_at(deployment, "metadata.resourceVersion");
	struct record record = { .id = id, .name = id, .status = CONTAINER_PENDING };
	struct buf value cleanup_buf = buf_make(RECORD_MAX);
	char bucket[BUS_BUCKET_MAX];
	char key[RECORD_KEY_MAX];
	char subject[BUS_BUCKET_SUBJECT_MAX];
	struct error err;
	enum rc rc;

	if (version)
		(void)str_parse_int64(version, &record.version); /* else it stays 0 */
	record_bucket(env->config->name, bucket);
	record_key(id, key);
	bus_bucket_subject(bucket, key, subject);
	record_write(&record, &value);
	rc = buf_check(&value, &err);
	if (!rc)
		rc = bus_publish(env->bus,
				 &(struct bus_outgoing){ .subject = subject,
							 .headers = &only_if_empty,
							 .header_count = 1,
							 .data = value.data,
							 .len = value.len },
				 &err);
	if (rc)
		log_debug("the first record of a container could not be left", log_str("id", id), log_err(&err));
}
