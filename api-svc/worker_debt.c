#include "api-svc/worker_debt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

static bool read_record(const char *text, struct worker_debt *debt)
{
	char number[24];
	const char *space = strchr(text, ' ');
	size_t len = space ? (size_t)(space - text) : 0;
	int64_t sequence;

	if (len == 0 || len >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	if (!str_parse_int64(number, &sequence) || sequence <= 0 || !debt_is_key(space + 1))
		return false;
	debt->sequence = (uint64_t)sequence;
	snprintf(debt->key, sizeof(debt->key), "%s", space + 1);
	return true;
}

enum rc worker_debt_read(const char *debt, const char *settle, const char *notice, struct worker_debt **ret_debt,
			 struct error *err)
{
	struct worker_debt *read;

	*ret_debt = NULL;
	if (!debt)
		return RC_OK;
	if (!settle || strlen(settle) >= PROTOCOL_SETTLE_MAX)
		return error_set(err, RC_INTERNAL, "a reply that is owed, and not how it is settled");
	read = calloc(1, sizeof(*read));
	if (!read)
		return error_no_memory(err);
	atomic_init(&read->references, 1);
	read->object = strcmp(debt, PROTOCOL_DEBT_OBJECT) == 0;
	snprintf(read->value, sizeof(read->value), "%s", settle);
	if (notice && strlen(notice) < sizeof(read->notice))
		snprintf(read->notice, sizeof(read->notice), "%s", notice);
	if (!read->object && !read_record(debt, read)) {
		free(read);
		return error_set(err, RC_INTERNAL, "a debt that cannot be read");
	}
	*ret_debt = read;
	return RC_OK;
}

struct worker_debt *worker_debt_ref(struct worker_debt *debt)
{
	atomic_fetch_add(&debt->references, 1);
	return debt;
}

void worker_debt_unref(struct worker_debt *debt)
{
	if (debt && atomic_fetch_sub(&debt->references, 1) == 1)
		free(debt);
}
