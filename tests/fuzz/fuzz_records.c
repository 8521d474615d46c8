/* The values in the bucket: a parsed value is written in a form that is parsed to the same value. */
#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/bus.h"
#include "common/container/debt.h"
#include "common/container/record.h"
#include "common/protocol.h"
#include "tests/fuzz/fuzz.h"

static void check_debt(const char *text, size_t size)
{
	struct buf out cleanup_buf = buf_make(16 * DEBT_VALUE_MAX);
	cleanup_json cJSON *tree = NULL;
	cleanup_json cJSON *again_tree = NULL;
	struct debt debt, again;

	if (debt_read(text, size, &tree, &debt, NULL))
		return;
	FUZZ_CHECK(protocol_is_id(debt.id) && (!debt.caller[0] || bus_is_inbox(debt.caller)));
	FUZZ_CHECK(debt.left_ms >= 0 && debt.left_ms <= PROTOCOL_DEADLINE_MAX_MS);
	debt_write(&debt, &out);
	FUZZ_CHECK(!out.failed && debt_read(out.data, out.len, &again_tree, &again, NULL) == RC_OK);
	FUZZ_CHECK(debt.state == again.state && str_equal(debt.id, again.id) && str_equal(debt.uid, again.uid));
	FUZZ_CHECK(str_equal(debt.caller, again.caller) && str_equal(debt.digest, again.digest));
	FUZZ_CHECK(debt.left_ms == again.left_ms);
}

static void check_record(const char *text, size_t size)
{
	struct buf out cleanup_buf = buf_make(RECORD_MAX);
	cleanup_json cJSON *tree = NULL;
	cleanup_json cJSON *again_tree = NULL;
	struct record record, again;
	char key[RECORD_KEY_MAX];

	if (record_read(text, size, &tree, &record, NULL))
		return;
	record_key(RESOURCE_CONTAINER, record.id, key);
	FUZZ_CHECK(bus_is_subject(key));
	record_write(&record, &out);
	FUZZ_CHECK(!out.failed && record_read(out.data, out.len, &again_tree, &again, NULL) == RC_OK);
	FUZZ_CHECK(str_equal(record.id, again.id) && str_equal(record.name, again.name));
	FUZZ_CHECK(record.status == again.status && record.version == again.version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char key[DEBT_KEY_MAX] = "";
	uint64_t sequence = 0;

	if (!text)
		return 0;
	check_debt((const char *)data, size);
	check_record((const char *)data, size);
	if (debt_read_reference(text, &sequence, key))
		FUZZ_CHECK(sequence > 0 && sequence <= INT64_MAX && debt_is_key(key) && bus_is_subject(key));
	return 0;
}
