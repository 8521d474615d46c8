/*
 * A table that lends out numbers for pointers. A number carries a generation: after it has been taken once it is
 * invalid, even when its place is in use again. Safe in every thread.
 */
#ifndef API_SVC_HTTP_TICKETS_H
#define API_SVC_HTTP_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tickets;

/* Make an empty table; NULL when out of memory. */
struct tickets *tickets_create(void);

/* Free the table, not what the pointers lead to. NULL is allowed. */
void tickets_destroy(struct tickets *t);

/* Keep the pointer (not NULL) and return its number; 0 when out of memory. */
uint64_t tickets_add(struct tickets *t, void *pointer);

/* Take the pointer out again; NULL when the number is not, or no longer, valid. */
void *tickets_take(struct tickets *t, uint64_t ticket);

/*
 * Test the pointer of a ticket while it cannot be taken; true when the number is not, or no longer, valid.
 * `test` must not block nor use the table.
 */
bool tickets_test(struct tickets *t, uint64_t ticket, bool (*test)(const void *pointer));

#endif
