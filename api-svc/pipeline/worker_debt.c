#include "api-svc/pipeline/worker_debt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

/* Whether it is the value of a settled record. It is stored unchanged. */
static bool is_settlement(const char *text)
{
	cleanup_json cJSON *tree = NULL;
	struct debt value;

	return strlen(text) < PROTOCOL_SETTLE_MAX && !debt_read(text, strlen(text), &tree, &value, NULL) &&
	       value.state == DEBT_SETTLED;
}

enum rc worker_debt_read(const char *debt, const char *settle, const char *notice, struct worker_debt **ret_debt,
			 struct error *err)
{
	struct worker_debt *read;

	*ret_debt = NULL;
	if (!debt)
		return RC_OK;
	if (!settle || !is_settlement(settle))
		return error_set(err, RC_INTERNAL, "a reply with a debt but without its settlement");
	read = calloc(1, sizeof(*read));
	if (!read)
		return error_no_memory(err);
	atomic_init(&read->references, 1);
	read->object = strcmp(debt, PROTOCOL_DEBT_OBJECT) == 0;
	snprintf(read->value, sizeof(read->value), "%s", settle);
	if (notice && strlen(notice) < sizeof(read->notice) && bus_is_inbox(notice))
		snprintf(read->notice, sizeof(read->notice), "%s", notice);
	if (!read->object && !debt_read_reference(debt, &read->sequence, read->key)) {
		free(read);
		return error_set(err, RC_INTERNAL, "malformed debt");
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
