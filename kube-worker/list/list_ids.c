#include "kube-worker/list/list_ids.h"

#include <string.h>

#include "common/container/labels.h"

struct list_ids list_ids_make(void)
{
	return (struct list_ids){ .text = buf_make(LIST_IDS_MAX) };
}

void list_ids_clear(struct list_ids *ids)
{
	buf_clear(&ids->text);
}

void list_ids_reset(struct list_ids *ids)
{
	buf_reset(&ids->text);
	ids->without = false;
}

bool list_ids_have_room(const struct list_ids *ids, const char *id)
{
	return ids->text.len + strlen(id) + 1 <= LIST_IDS_MAX;
}

void list_ids_add(struct list_ids *ids, const char *id)
{
	if (id[0])
		buf_addf(&ids->text, "%s%s", ids->text.len ? "," : "", id);
	else
		ids->without = true;
}

bool list_ids_question(const struct list_ids *ids, int number, const struct buf *base, struct buf *selector)
{
	buf_reset(selector);
	if (number == 0) {
		buf_addf(selector, "%s," LABEL_INSTANCE_ID " in (%s%s)", base->data, ids->without ? "," : "",
			 ids->text.data);
		return ids->without || ids->text.len > 0;
	}
	buf_addf(selector, "%s,!" LABEL_INSTANCE_ID, base->data);
	return ids->without;
}
