/*
 * Resident memory that is no longer needed.
 */
#ifndef COMMON_BASE_FOOTPRINT_H
#define COMMON_BASE_FOOTPRINT_H

/* Give back free heap: after a burst of work that a long-lived process does not repeat at once. */
void footprint_trim_heap(void);

/*
 * Give back what the start of the process has used up: free heap, and the read-only pages of the program and its
 * libraries (symbol tables, initialisation). Pages that are still in use come back from the page cache when they are
 * touched next. Call once, when everything runs.
 */
void footprint_trim(void);

#endif
