#include "common/container/port_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/container/spec_ports.h"

struct port_entry {
	int64_t number;
	const char *protocol;
	size_t place; /* in the array: the first of duplicates wins */
	const cJSON *item;
};

static int compare_keys(const struct port_entry *a, int64_t number, const char *protocol)
{
	if (a->number != number)
		return a->number < number ? -1 : 1;
	return strcmp(a->protocol, protocol);
}

static int compare_entries(const void *a, const void *b)
{
	const struct port_entry *x = a;
	const struct port_entry *y = b;
	int order = compare_keys(x, y->number, y->protocol);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

bool port_table_make(const cJSON *ports, const char *key, struct port_table *ret_table)
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
			ret_table->items[ret_table->count++] = (struct port_entry){ number, spec_port_protocol(port),
										    place, port };
	}
	qsort(ret_table->items, ret_table->count, sizeof(*ret_table->items), compare_entries);
	return true;
}

const cJSON *port_table_find(const struct port_table *table, int64_t number, const char *protocol)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(&table->items[middle], number, protocol) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || compare_keys(&table->items[low], number, protocol) != 0)
		return NULL;
	return table->items[low].item;
}

void port_table_clear(struct port_table *table)
{
	free(table->items);
	*table = (struct port_table){ .count = 0 };
}
