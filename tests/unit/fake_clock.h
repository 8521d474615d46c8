/*
 * The monotonic clock of the unit tests: it goes as ever, and a test can move it forward. The linker puts it before
 * clock_mono_ms(), clock_mono_ns(), thread_wait() and thread_wait_until() (Makefile, UNIT_WRAPPED).
 */
#ifndef TESTS_UNIT_FAKE_CLOCK_H
#define TESTS_UNIT_FAKE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* From now on waits notice when the clock is moved. Before the first thread that waits. */
void fake_clock_start(void);

/* Move it forward, on any thread. Who waits for a time that is over now wakes within some milliseconds. */
void fake_clock_advance(int64_t ms);

/* Move it forward by itself at the reads-th look at it, on whatever thread; 0: not. Did that happen? */
void fake_clock_jump_at(int reads, int64_t ms);
bool fake_clock_has_jumped(void);

#endif
