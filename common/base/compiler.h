/*
 * Macros for compiler attributes, array length and ownership.
 */
#ifndef COMMON_BASE_COMPILER_H
#define COMMON_BASE_COMPILER_H

#include <stddef.h>

#include "common/base/banned.h"

/* The result must be checked; `(void)f();` needs a comment with the reason. */
#define must_check __attribute__((warn_unused_result))

/* Argument `fmt` (counted from 1) is a printf format for the arguments from `args` on. */
#define printf_format(fmt, args) __attribute__((format(printf, fmt, args)))

/* A parameter or variable that is not used in this build. */
#define unused __attribute__((unused))

/* Runs `fn(&variable)` when the variable goes out of scope. */
#define cleanup_with(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Transfers ownership from the pointer variable `p`: returns its value and sets it to NULL. */
#define TAKE(p)                                         \
	__extension__({                                 \
		__typeof__(p) *const take_at_ = &(p);   \
		__typeof__(p) const taken_ = *take_at_; \
		*take_at_ = NULL;                       \
		taken_;                                 \
	})

/* For a local string or other malloc()ed block: `cleanup_free char *name = NULL;` */
void cleanup_free_at(void *pointer_to_pointer);
#define cleanup_free cleanup_with(cleanup_free_at)

#endif
