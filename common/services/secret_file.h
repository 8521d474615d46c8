/*
 * Files that hold secrets, which others rename and rewrite while we run: read as a whole, never held open.
 */
#ifndef COMMON_SERVICES_SECRET_FILE_H
#define COMMON_SERVICES_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/services/secret.h"

#define SECRET_FILE_MAX (1024u * 1024) /* bytes of a token or PEM file; Kubernetes' own objects hold no more */

/* What tells one content of a file from the next, without reading it. All zero: there is no such file. */
struct file_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

/* The stamp of the file that the path leads to now (through symbolic links). */
struct file_stamp file_stamp_of(const char *path);

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/*
 * Read a whole text file: a regular one, perhaps at the end of symbolic links. A FIFO, a socket or a device in its
 * place is rejected at once, without waiting for anybody.
 *
 * max        bytes that it may have.
 * ret_text   owned by the caller (secret_free), NUL-terminated.
 * ret_len    its length, for a text in which there may be NULs (UTF-16); NULL: they are rejected.
 * ret_stamp  of what was read; may be NULL.
 *
 * Errors, each naming the path: RC_NOT_FOUND; RC_TOO_LARGE; RC_INVALID_ARGUMENT it cannot be read, is no regular file
 * or holds a NUL; RC_NO_MEMORY.
 * Blocks as long as the file system does: not to be called with a lock that others wait for.
 */
enum rc secret_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct file_stamp *ret_stamp,
			 struct error *err) must_check;

#endif
