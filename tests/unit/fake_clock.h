/*
 * The monotonic clock of the unit tests, which tests can advance. It wraps clock_mono_ms(),
 * clock_mono_ns(), thread_wait() and thread_wait_until() (Makefile, UNIT_WRAPPED).
 */
#ifndef TESTS_UNIT_FAKE_CLOCK_H
#define TESTS_UNIT_FAKE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* From now on waits react to changes of the clock. Call before the first thread waits. */
void fake_clock_start(void);

/* Advance it, on any thread. Expired waits end within some milliseconds. */
void fake_clock_advance(int64_t ms);

/* Advance it at the reads-th read, on any thread; 0: never. Returns whether this happened. */
void fake_clock_jump_at(int reads, int64_t ms);
bool fake_clock_has_jumped(void);

#endif
