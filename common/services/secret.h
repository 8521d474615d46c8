/*
 * Secrets in memory, wiped before they are freed; and their files, which may be replaced or rewritten at any time: read
 * completely, and not kept open.
 */
#ifndef COMMON_SERVICES_SECRET_H
#define COMMON_SERVICES_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/services/json.h"

/* Wipe and free. NULL is allowed. */
void secret_free(char *text);
void secret_free_at(char **text);
#define cleanup_secret cleanup_with(secret_free_at)

/* Wipe every string in the tree, and free it. NULL is allowed. */
void secret_tree_free(cJSON *tree);
void secret_tree_free_at(cJSON **tree);
#define cleanup_secret_tree cleanup_with(secret_tree_free_at)

/* ---- files ------------------------------------------------------------------------------------------------------- */

#define SECRET_FILE_MAX (1024u * 1024) /* bytes of a token or PEM file; the limit of Kubernetes objects */

/* Identifies the content of a file without reading it. All zero: the file does not exist. */
struct secret_file_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

/* The stamp of the file, following symbolic links. */
struct secret_file_stamp secret_file_stamp_of(const char *path);

bool secret_file_stamp_equal(const struct secret_file_stamp *a, const struct secret_file_stamp *b);

/*
 * Read a whole text file. It must be a regular file; symbolic links are followed. A FIFO, a socket or a device is
 * rejected without blocking.
 *
 * max        maximum size in bytes.
 * ret_text   owned by the caller (secret_free), NUL-terminated.
 * ret_len    its length, for a text that may contain NULs (UTF-16); NULL: NULs are rejected.
 * ret_stamp  of the file that was read; may be NULL.
 *
 * Errors, with the path: RC_NOT_FOUND; RC_TOO_LARGE; RC_INVALID_ARGUMENT it cannot be read, is not a regular file or
 * contains a NUL; RC_NO_MEMORY.
 * May block on the file system: do not call with a lock held.
 */
enum rc secret_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len,
			 struct secret_file_stamp *ret_stamp, struct error *err) must_check;

#endif
