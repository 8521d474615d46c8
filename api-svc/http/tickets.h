/*
 * A table of pointers identified by numbers with a generation: after a pointer was taken, its number is invalid, even
 * if the slot is reused. Safe in every thread.
 */
#ifndef API_SVC_HTTP_TICKETS_H
#define API_SVC_HTTP_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tickets;

/* Create an empty table; NULL if out of memory. */
struct tickets *tickets_create(void);

/* Free the table, but not the pointers' targets. NULL is allowed. */
void tickets_destroy(struct tickets *t);

/* Store the pointer (not NULL) and return its number; 0 if out of memory. */
uint64_t tickets_add(struct tickets *t, void *pointer);

/* Remove and return the pointer; NULL if the number is not, or no longer, valid. */
void *tickets_take(struct tickets *t, uint64_t ticket);

/*
 * Call `test` with the pointer of a ticket while it cannot be taken; true if the number is not, or no longer, valid.
 * `test` must not block or use the table.
 */
bool tickets_test(struct tickets *t, uint64_t ticket, bool (*test)(const void *pointer));

#endif
