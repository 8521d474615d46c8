#include "kube-worker/first_record.h"

#include "common/base/strutil.h"
#include "common/container/record.h"
#include "common/services/log.h"
#include "kube-worker/debt/ledger.h"

void first_record_send(const struct op_env *env, const char *id, const struct root *root)
{
	const char *version = json_string_at(root->object, "metadata.resourceVersion");
	struct record record = { .id = id, .kind = root->kind, .name = id, .status = CONTAINER_PENDING };
	struct buf value cleanup_buf = buf_make(RECORD_MAX);
	char key[RECORD_KEY_MAX];
	struct error err;
	enum rc rc;

	if (version)
		(void)str_parse_int64(version, &record.version); /* 0 on failure */
	record_key(env->resource, id, key);
	record_write(&record, &value);
	rc = buf_check(&value, &err);
	if (!rc)
		rc = bus_bucket_send_if(env->caller, env->ledger->bucket, key, value.data, 0, &err);
	if (rc)
		log_warn("cannot send the first record of a container", log_str("id", id), log_err(&err));
}
