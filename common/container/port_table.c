#include "common/container/port_table.h"

#include <stdlib.h>

struct port_entry {
	int64_t number;
	size_t place; /* in the array: of two with one number the first counts */
	const char *value;
};

static int compare_entries(const void *a, const void *b)
{
	const struct port_entry *x = a;
	const struct port_entry *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

bool port_table_make(const cJSON *ports, const char *key, const char *value, struct port_table *ret_table)
{
	size_t size = (size_t)cJSON_GetArraySize(ports);
	const cJSON *port = NULL;
	size_t place = 0;

	*ret_table = (struct port_table){ .count = 0 };
	if (size == 0)
		return true;
	ret_table->items = calloc(size, sizeof(*ret_table->items));
	if (!ret_table->items)
		return false;
	cJSON_ArrayForEach (port, ports) {
		int64_t number;

		place++;
		if (json_is_int(json_get(port, key), &number))
			ret_table->items[ret_table->count++] = (struct port_entry){
				.number = number,
				.place = place,
				.value = cJSON_GetStringValue(json_get(port, value)),
			};
	}
	qsort(ret_table->items, ret_table->count, sizeof(*ret_table->items), compare_entries);
	return true;
}

bool port_table_find(const struct port_table *table, int64_t number, const char **ret_value)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || table->items[low].number != number)
		return false;
	if (ret_value)
		*ret_value = table->items[low].value;
	return true;
}

void port_table_clear(struct port_table *table)
{
	free(table->items);
	*table = (struct port_table){ .count = 0 };
}
