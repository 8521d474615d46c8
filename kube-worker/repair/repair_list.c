#include "kube-worker/repair/repair_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"

bool repair_list_init(struct repair_list *list, size_t item_size, size_t max)
{
	*list = (struct repair_list){ .item_size = item_size, .max = max };
	return hash_table_init(&list->by_uid);
}

static struct repair_item *item_of(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct repair_item, by_uid) : NULL;
}

struct repair_item *repair_list_next(const struct repair_list *list, const struct repair_item *item)
{
	return item_of(item ? hash_table_after(&list->by_uid, &item->by_uid) : hash_table_first(&list->by_uid));
}

void repair_list_begin(struct repair_list *list)
{
	for (struct repair_item *item = repair_list_next(list, NULL); item; item = repair_list_next(list, item))
		item->seen = false;
}

void repair_list_end(struct repair_list *list)
{
	struct repair_item *next;

	for (struct repair_item *item = repair_list_next(list, NULL); item; item = next) {
		next = repair_list_next(list, item);
		if (item->seen)
			continue;
		hash_table_remove(&list->by_uid, &item->by_uid);
		free(item);
	}
}

void repair_list_clear(struct repair_list *list)
{
	repair_list_begin(list);
	repair_list_end(list);
	hash_table_clear(&list->by_uid);
}

static struct repair_item *find(const struct repair_list *list, const struct kube_uid *uid, uint64_t hash)
{
	struct hash_link *link = hash_table_find(&list->by_uid, hash);

	while (link && !kube_uid_equal(&item_of(link)->uid, uid))
		link = hash_table_find_next(link);
	return item_of(link);
}

static struct repair_item *add(struct repair_list *list, const struct fact *root, uint64_t hash, int64_t patience_ms)
{
	struct repair_item *item = list->by_uid.count < list->max ? calloc(1, list->item_size) : NULL;

	if (!item)
		return NULL;
	item->uid = root->uid;
	item->due_ms = clock_mono_ms() + patience_ms;
	snprintf(item->id, sizeof(item->id), "%s", root->instance_id);
	hash_table_add(&list->by_uid, &item->by_uid, hash);
	return item;
}

struct repair_item *repair_list_note(struct repair_list *list, const struct fact *root, int64_t patience_ms)
{
	uint64_t hash = hash_bytes(HASH_INIT, root->uid.bytes, sizeof(root->uid.bytes));
	struct repair_item *item = find(list, &root->uid, hash);

	if (!item)
		item = add(list, root, hash, patience_ms);
	if (item)
		item->seen = true;
	return item;
}
