#include "kube-worker/debt/ledger.h"

#include "common/container/bucket_name.h"
#include "common/container/record.h"
#include "common/services/log.h"

#define PUT_TIMEOUT_MS 1000

void ledger_entry_clear(struct ledger_entry *entry)
{
	cJSON_Delete(entry->tree);
	*entry = (struct ledger_entry){ 0 };
}

void ledger_init(struct ledger *ledger, struct bus_caller *caller, const char *provider_name, int64_t replicas)
{
	ledger->caller = caller;
	ledger->replicas = replicas;
	atomic_init(&ledger->opened, false);
	bucket_name_write(provider_name, ledger->bucket);
}

enum rc ledger_put_begin(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
			 struct ledger_put *put, struct error *err)
{
	struct buf value cleanup_buf = buf_make(DEBT_VALUE_MAX);
	enum rc rc;

	debt_write(debt, &value);
	rc = buf_check(&value, err);
	if (rc)
		return rc;
	bus_bucket_subject(ledger->bucket, key, put->subject);
	rc = bus_bucket_put_begin(ledger->caller, put->subject, value.data, last_sequence, &put->pending, err);
	return rc == RC_UNAVAILABLE ? error_wrap(err, RC_TIMEOUT, "store a record")
				    : rc; /* JetStream has not rejected it */
}

enum rc ledger_put_end(struct ledger *ledger, struct ledger_put *put, uint64_t *ret_sequence, struct error *err)
{
	return bus_bucket_put_end(ledger->caller, &put->pending, PUT_TIMEOUT_MS, ret_sequence, err);
}

enum rc ledger_open(struct ledger *ledger, struct error *err)
{
	enum rc rc = bus_bucket_open(ledger->caller, ledger->bucket, ledger->replicas, err);

	atomic_store(&ledger->opened, rc == RC_OK);
	return rc;
}

static enum rc put_once(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
			uint64_t *ret_sequence, struct error *err)
{
	struct ledger_put put;
	enum rc rc = ledger_put_begin(ledger, key, debt, last_sequence, &put, err);

	return rc ? rc : ledger_put_end(ledger, &put, ret_sequence, err);
}

enum rc ledger_put(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
		   uint64_t *ret_sequence, struct error *err)
{
	enum rc rc = put_once(ledger, key, debt, last_sequence, ret_sequence, err);

	if (rc != RC_NOT_FOUND)
		return rc;
	rc = ledger_open(ledger, err);
	return rc ? rc : put_once(ledger, key, debt, last_sequence, ret_sequence, err);
}

enum rc ledger_get(struct ledger *ledger, const char *key, struct ledger_entry *ret_entry, struct error *err)
{
	struct buf value cleanup_buf = buf_make(DEBT_VALUE_MAX);
	struct ledger_entry entry = { 0 };
	enum rc rc = atomic_load(&ledger->opened) ? RC_OK : ledger_open(ledger, err);

	if (!rc)
		rc = bus_bucket_get(ledger->caller, ledger->bucket, key, &value, &entry.sequence, err);
	if (!rc)
		rc = debt_read(value.data, value.len, &entry.tree, &entry.debt, err);
	if (rc && rc != RC_NOT_FOUND)
		return rc;
	*ret_entry = entry;
	return RC_OK;
}

void ledger_forget(struct ledger *ledger, const char *key, uint64_t sequence)
{
	struct error err;

	if (bus_bucket_forget(ledger->caller, ledger->bucket, key, sequence, &err))
		log_debug("cannot remove a debt record; the sweeper will", log_err(&err));
}
