/*
 * Lookup of ports by number and protocol in a sorted table, for thousands of ports.
 */
#ifndef COMMON_CONTAINER_PORT_TABLE_H
#define COMMON_CONTAINER_PORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/services/json.h"

struct port_table {
	struct port_entry *items;
	size_t count;
};

/*
 * Make a table of an array's items.
 *
 * ports  borrowed for the lifetime of the table; NULL or not an array: the table is empty.
 * key    the member with the number; items without one are skipped. The protocol is the member `protocol`.
 * Returns false if out of memory: the table is then empty.
 */
bool port_table_make(const cJSON *ports, const char *key, struct port_table *ret_table) must_check;

/* The first item with that number and protocol; NULL: none. */
const cJSON *port_table_find(const struct port_table *table, int64_t number, const char *protocol);

/* Free it. A zeroed struct is allowed. */
void port_table_clear(struct port_table *table);
#define cleanup_port_table cleanup_with(port_table_clear)

#endif
