/*
 * Release of unneeded resident memory.
 */
#ifndef COMMON_BASE_FOOTPRINT_H
#define COMMON_BASE_FOOTPRINT_H

/* Release free heap, after a burst of work. */
void footprint_trim_heap(void);

/*
 * Release memory that was only needed during startup: free heap, and the read-only pages of the program and its
 * libraries (symbol tables, initialisation). Pages still in use are reloaded from the page cache on access. Call once,
 * after startup.
 */
void footprint_trim(void);

#endif
