#include "common/container/change_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory_budget.h"
#include "common/base/strutil.h"

#define ORDER_SPARE 64 /* obsolete entries, in addition to as many as there are items, before they are removed */

/* A change; obsolete once its item changes again. */
struct change {
	uint64_t number;
	uint32_t slot;
};

struct change_list {
	struct hash_table by_id;
	struct change_item **slots; /* NULL: free */
	uint32_t *free_slots;
	uint32_t slot_count, slot_max, free_count;
	struct change *order; /* by number */
	size_t order_count, order_max;
	uint64_t now;
	uint64_t floor;
	uint32_t snapshot; /* the number of the latest snapshot */
	size_t bytes;      /* of all items; in the memory budget */
	size_t max;
	struct change_item *oldest_gone, *newest_gone;
	size_t gone_count;
};

enum rc change_list_create(size_t max, struct change_list **ret_list, struct error *err)
{
	struct change_list *list = calloc(1, sizeof(*list));

	if (!list || !hash_table_init(&list->by_id)) {
		free(list);
		return error_no_memory(err);
	}
	list->max = max;
	*ret_list = list;
	return RC_OK;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const char *id, size_t len)
{
	return sizeof(struct change_item) + strlen(id) + len;
}

static void give_bytes(struct change_list *list, size_t bytes)
{
	memory_budget_give(bytes);
	list->bytes -= bytes;
}

static void free_item(struct change_list *list, struct change_item *item)
{
	give_bytes(list, bytes_of(item->id, item->len));
	free(item->facts);
	free(item->text);
	free(item->id);
	free(item);
}

static struct change_item *item_of(struct hash_link *link)
{
	return link ? hash_entry_of(link, struct change_item, by_id) : NULL;
}

static struct change_item *find(const struct change_list *list, const char *id)
{
	struct hash_link *link = hash_table_find(&list->by_id, hash_text(HASH_INIT, id));

	while (link && strcmp(item_of(link)->id, id) != 0)
		link = hash_table_find_next(link);
	return item_of(link);
}

static bool grow_slots(struct change_list *list, uint32_t wanted)
{
	struct change_item **grown = reallocarray(list->slots, wanted, sizeof(struct change_item *));

	if (grown)
		list->slots = grown;
	return grown != NULL;
}

static bool grow_free_slots(struct change_list *list, uint32_t wanted)
{
	uint32_t *grown = reallocarray(list->free_slots, wanted, sizeof(*grown));

	if (grown)
		list->free_slots = grown;
	return grown != NULL;
}

static bool make_room_for_slot(struct change_list *list)
{
	uint32_t wanted = list->slot_max ? list->slot_max * 2 : 64;

	if (list->free_count || list->slot_count < list->slot_max)
		return true;
	if (!grow_slots(list, wanted) || !grow_free_slots(list, wanted))
		return false;
	list->slot_max = wanted;
	return true;
}

static bool is_last(const struct change_list *list, const struct change *change)
{
	const struct change_item *item = list->slots[change->slot];

	return item && item->changed == change->number;
}

static void sweep_order(struct change_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->order_count; i++)
		if (is_last(list, &list->order[i]))
			list->order[count++] = list->order[i];
	list->order_count = count;
}

static bool make_room_for_change(struct change_list *list)
{
	size_t wanted = list->order_max ? list->order_max * 2 : 2 * ORDER_SPARE;
	struct change *order;

	if (list->order_count < list->order_max)
		return true;
	if (list->order_count > 2 * (size_t)list->slot_count + ORDER_SPARE)
		sweep_order(list);
	if (list->order_count < list->order_max)
		return true;
	order = reallocarray(list->order, wanted, sizeof(*order));
	if (!order)
		return false;
	list->order = order;
	list->order_max = wanted;
	return true;
}

/* Room was reserved. */
static void note_change(struct change_list *list, struct change_item *item)
{
	item->changed = ++list->now;
	list->order[list->order_count++] = (struct change){ item->changed, item->slot };
}

/* ---- deleted items ----------------------------------------------------------------------------------------------- */

static void unlink_gone(struct change_list *list, struct change_item *item)
{
	*(item->older ? &item->older->newer : &list->oldest_gone) = item->newer;
	*(item->newer ? &item->newer->older : &list->newest_gone) = item->older;
	item->older = NULL;
	item->newer = NULL;
	list->gone_count--;
}

static void link_gone(struct change_list *list, struct change_item *item)
{
	item->older = list->newest_gone;
	*(item->older ? &item->older->newer : &list->oldest_gone) = item;
	list->newest_gone = item;
	list->gone_count++;
}

static void forget_oldest(struct change_list *list)
{
	struct change_item *item = list->oldest_gone;

	unlink_gone(list, item);
	list->floor = item->changed;
	list->slots[item->slot] = NULL;
	list->free_slots[list->free_count++] = item->slot;
	hash_table_remove(&list->by_id, &item->by_id);
	free_item(list, item);
}

/* Without memory for the change, the item is dropped immediately. */
static void let_go(struct change_list *list, struct change_item *item)
{
	bool noted = make_room_for_change(list);

	item->gone = true;
	if (noted)
		note_change(list, item);
	else
		item->changed = ++list->now;
	link_gone(list, item);
	while (list->gone_count && (!noted || list->gone_count > CHANGE_GONE_MAX))
		forget_oldest(list);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Drop deleted items to make room for existing ones. */
static enum rc take_bytes(struct change_list *list, size_t bytes, struct error *err)
{
	while (list->bytes + bytes > list->max || !memory_budget_take(bytes)) {
		if (!list->gone_count)
			return error_set(err, RC_BUSY, "the list of all containers exceeds its memory limit");
		forget_oldest(list);
	}
	list->bytes += bytes;
	return RC_OK;
}

static void replace(struct change_list *list, struct change_item *item, char *text, size_t len, void *facts)
{
	size_t held = bytes_of(item->id, item->len);
	size_t bytes = bytes_of(item->id, len);

	give_bytes(list, item->gone ? held : held > bytes ? held - bytes : 0);
	free(item->text);
	free(item->facts);
	item->text = text;
	item->len = len;
	item->facts = facts;
	item->told = list->snapshot;
	if (item->gone) {
		unlink_gone(list, item);
		item->gone = false;
		item->added = list->now + 1;
	}
	note_change(list, item);
}

static enum rc add(struct change_list *list, const char *id, char *text, size_t len, void *facts, struct error *err)
{
	struct change_item *item = calloc(1, sizeof(*item));

	if (item)
		item->id = str_dup(id);
	if (!item || !item->id || !make_room_for_slot(list)) {
		if (item)
			free(item->id);
		free(item);
		return error_no_memory(err);
	}
	item->text = text;
	item->len = len;
	item->facts = facts;
	item->told = list->snapshot;
	item->slot = list->free_count ? list->free_slots[--list->free_count] : list->slot_count++;
	item->added = list->now + 1;
	list->slots[item->slot] = item;
	hash_table_add(&list->by_id, &item->by_id, hash_text(HASH_INIT, id));
	note_change(list, item);
	return RC_OK;
}

enum rc change_list_put(struct change_list *list, const char *id, const char *text, size_t len, void *facts,
			struct error *err)
{
	struct change_item *item = find(list, id);
	size_t held = item && !item->gone ? bytes_of(id, item->len) : 0;
	size_t bytes = bytes_of(id, len);
	size_t more = bytes > held ? bytes - held : 0;
	char *copy;
	enum rc rc;

	if (item && !item->gone && item->len == len && memcmp(item->text, text, len) == 0) {
		item->told = list->snapshot;
		free(facts);
		return RC_OK;
	}
	rc = take_bytes(list, more, err);
	if (rc)
		return rc;
	copy = malloc(len + 1);
	if (!copy || !make_room_for_change(list)) {
		give_bytes(list, more);
		free(copy);
		return error_no_memory(err);
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	item = find(list, id); /* if it was deleted, it may have been dropped */
	if (item)
		replace(list, item, copy, len, facts);
	else
		rc = add(list, id, copy, len, facts, err);
	if (rc) {
		give_bytes(list, more);
		free(copy);
	}
	return rc;
}

void change_list_remove(struct change_list *list, const char *id)
{
	struct change_item *item = find(list, id);

	if (item && !item->gone)
		let_go(list, item);
}

void change_list_begin_snapshot(struct change_list *list)
{
	list->snapshot++;
}

void change_list_end_snapshot(struct change_list *list)
{
	for (uint32_t i = 0; i < list->slot_count; i++) {
		struct change_item *item = list->slots[i];

		if (item && !item->gone && item->told != list->snapshot)
			let_go(list, item);
	}
}

void change_list_destroy(struct change_list *list)
{
	if (!list)
		return;
	for (uint32_t i = 0; i < list->slot_count; i++)
		if (list->slots[i])
			free_item(list, list->slots[i]);
	hash_table_clear(&list->by_id);
	free(list->slots);
	free(list->free_slots);
	free(list->order);
	free(list);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

uint64_t change_list_now(const struct change_list *list)
{
	return list->now;
}

uint64_t change_list_floor(const struct change_list *list)
{
	return list->floor;
}

uint32_t change_list_slots(const struct change_list *list)
{
	return list->slot_count;
}

const struct change_item *change_list_at(const struct change_list *list, uint32_t slot)
{
	return slot < list->slot_count ? list->slots[slot] : NULL;
}

const struct change_item *change_list_after(const struct change_list *list, uint64_t number)
{
	size_t low = 0;
	size_t high = list->order_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->order[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < list->order_count && !is_last(list, &list->order[low]))
		low++;
	return low < list->order_count ? list->slots[list->order[low].slot] : NULL;
}
