/*
 * The validation errors of a request: messages with their locations.
 */
#ifndef API_SVC_DOCUMENT_FAULTS_H
#define API_SVC_DOCUMENT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/services/json_write.h"

#define FAULTS_MAX 100         /* stored; more are only counted */
#define FAULT_DETAIL_MAX 300   /* bytes with the NUL; longer text is truncated */
#define FAULT_POINTER_MAX 1024 /* bytes of a pointer with the NUL; longer ones are truncated */

struct fault {
	char *detail;  /* "must be at least 1" */
	char *pointer; /* RFC 6901, "" for the whole body; parameters: /query/<name>, /path/<name>, /header/<name> */
};

struct faults {
	struct fault items[FAULTS_MAX];
	size_t count;   /* in items */
	size_t dropped; /* beyond FAULTS_MAX */
	bool no_memory; /* at least one error could not be stored */
};

/* Free the items; the list is empty then. A zeroed struct is allowed. */
void faults_clear(struct faults *f);
#define cleanup_faults cleanup_with(faults_clear)

/* Add an error. Duplicates are stored once. */
void faults_add(struct faults *f, const char *pointer, const char *fmt, ...) printf_format(3, 4);

/* Whether there are errors (or one could not be recorded). */
bool faults_any(const struct faults *f);

/* Append a summary: the first error, and the number of others. */
void faults_summary(const struct faults *f, struct buf *out);

/*
 * Write them as an array of {"detail", "pointer"} under `key`. Errors that would make the buffer exceed `max` bytes are
 * omitted: the last item then has their number.
 */
void faults_write(const struct faults *f, struct json_writer *w, const char *key, size_t max);

/* Compose a pointer from left to right: append "/" and the name, escaped (RFC 6901); or "/" and the index. */
void fault_pointer_add_name(struct buf *pointer, const char *name);
void fault_pointer_add_index(struct buf *pointer, size_t index);

/* Remove `prefix` from pointers that begin with it. */
void faults_strip_prefix(struct faults *f, const char *prefix);

#endif
